"""Issuers and keys that change while it runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.gateway.auth import Authenticator
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.claims import Claims, TokenRefused
from tests.bridge.gateway.tokens.signers import NOW_S, signer


async def check(text: str, authenticator: Authenticator) -> Claims:
    return await authenticator.check(text, now_ms=NOW_S * 1000)


async def test_other_issuers_while_it_runs_or_the_old_ones_where_a_key_is_none() -> None:
    first, second = signer("HS256"), signer("RS256")
    old = Issuer("i", "HS256", {"": first.public})
    made = Authenticator(TokenSettings((old,)))
    await made.revocations.revoke("user", "78", now_ms=NOW_S * 1000)
    ticket = made.tickets.issue(await check(first.token(), made))
    with pytest.raises(ValueError, match="issuer i"):
        made.reconfigure(TokenSettings((Issuer("i", "RS256", {"": b"none"}),), roles_see_all=("ADMIN",)))
    assert not made.see_all
    assert (await check(first.token(), made)).user == "77"
    made.reconfigure(TokenSettings((Issuer("i", "RS256", {"": second.public}),), roles_see_all=("ADMIN",)))
    assert made.see_all == {"ADMIN"}
    with pytest.raises(TokenRefused):
        await check(first.token(), made)
    assert (await check(second.token(), made)).user == "77"
    assert (await check(ticket, made)).user == "77"
    with pytest.raises(TokenRefused, match="revoked"):
        await check(second.token(id="78"), made)


async def test_keys_that_were_fetched_stay_while_nothing_new_is_said_of_their_issuer() -> None:
    made_by, fetched = signer("RS256"), []

    async def fetch() -> bytes:
        fetched.append(1)
        return made_by.public

    issuer = Issuer("i", "RS256", issuer="them", keys_url="https://them.example/keys")
    made = Authenticator(TokenSettings((issuer,)), fetch_of=lambda *_: fetch)
    for settings_now, times in ((made.settings, 1), (TokenSettings((issuer, replace(issuer, name="j"))), 1),
                                (TokenSettings((issuer,), keys_timeout_s=1), 2)):  # fmt: skip
        made.reconfigure(settings_now)
        assert (await check(made_by.token(iss="them"), made)).user == "77"
        assert len(fetched) == times
