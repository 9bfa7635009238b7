"""Tokens at the door: every algorithm with its own key and no other, and whose channels they open."""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.gateway.auth import Authenticator, may_open
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.claims import Claims, TokenError, TokenExpired, TokenRefused
from bridge.protocol.channels import Channel
from tests.bridge.gateway.tokens.signers import ASYMMETRIC, HMAC, NOW_S, ODD_CLAIMS, Signer, claims, signer

SECRET = signer("HS256")
BACKEND = signer("RS256")
FRONTEND = {"iss": "hashbuzz.social", "aud": "hashbuzz-frontend"}


def trusting(*issuers: Issuer, **changes: Any) -> Authenticator:
    return Authenticator(TokenSettings(issuers, **changes))


OWN = trusting(Issuer("development", "HS256", {"": SECRET.public}))
HASHBUZZ = trusting(Issuer("hashbuzz", "RS256", {"k1": BACKEND.public}, FRONTEND["iss"], FRONTEND["aud"]))


async def check(text: str, authenticator: Authenticator = OWN) -> Claims:
    return await authenticator.check(text, now_ms=NOW_S * 1000)


async def refused(text: str, authenticator: Authenticator = OWN) -> str:
    with pytest.raises(TokenRefused) as caught:
        await check(text, authenticator)
    assert all(part not in str(caught.value) for part in text.split(".") if len(part) > 6)
    return caught.value.reason


def forged(header: dict[str, Any], body: dict[str, Any], key: bytes) -> str:
    """An HMAC of our own making: pyjwt would not sign with a public key."""
    signed = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, body)
    )
    signature = jwt.get_algorithm_by_name("HS256").sign(signed.encode(), key)
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("algorithm", [*HMAC, *ASYMMETRIC])
async def test_each_algorithm_with_its_own_key(algorithm: Any) -> None:
    made, other = signer(algorithm), signer(algorithm, number=1)
    trusted = trusting(Issuer("i", algorithm, {"": made.public}))
    assert (await check(made.token(), trusted)).user == "77"
    assert "signature" in await refused(other.token(), trusted)
    cousin = {"RS256": "PS256", "PS256": "RS256", "HS256": "HS384"}.get(algorithm, "HS256")
    if cousin.startswith(("RS", "PS")):
        same_key = Signer(cousin, made.private, made.public)
        assert await refused(same_key.token(), trusted) == f"it is not signed with {algorithm}"


async def test_the_first_users_token() -> None:
    more: dict[str, Any] = {**FRONTEND, "ts": 1, "accountId": "0.0.5", "signature": "s", "jti": "j"}
    assert (await check(BACKEND.token(kid="k1", **more), HASHBUZZ)).user == "77"
    assert (await check(BACKEND.token(**more), HASHBUZZ)).jti == "j"
    assert "key" in await refused(BACKEND.token(kid="k2", **more), HASHBUZZ)
    assert "audience" in await refused(BACKEND.token(**more | {"aud": "other"}), HASHBUZZ)
    assert "issuer" in await refused(BACKEND.token(**more | {"iss": "other"}), HASHBUZZ)
    assert "longer" in await refused(BACKEND.token(**more | {"exp": NOW_S + 7 * 86_400}), HASHBUZZ)  # a refresh token


async def test_the_algorithm_is_ours_to_choose() -> None:
    nothing = jwt.encode(claims(), None, "none")  # type: ignore[arg-type]
    assert await refused(nothing) == "it is not signed with HS256"
    assert await refused(signer("HS384").token()) == "it is not signed with HS256"
    # RS256's public key used as an HMAC secret: the classic confusion of algorithms.
    for algorithm in ("HS256", "none", "RS256", "rs256", ["RS256"], None):
        text = forged({"alg": algorithm, "kid": "k1"}, claims(**FRONTEND), BACKEND.public)
        assert await refused(text, HASHBUZZ) in (
            "it is not signed with RS256",
            "its signature or form is wrong",
            "it can't be read",
        )


async def test_a_key_that_the_token_brings_along_counts_for_nothing() -> None:
    attacker = signer("RS256", number=1)
    headers = {
        "kid": "k1",
        "jwk": attacker.jwk(),
        "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example",
    }
    text = jwt.encode(claims(**FRONTEND), attacker.private, "RS256", headers=headers)
    assert "signature" in await refused(text, HASHBUZZ)


async def test_a_key_id_does_not_reach_another_issuers_key() -> None:
    first, second = signer("ES256"), signer("ES256")
    both = trusting(
        Issuer("first", "ES256", {"a": first.public}, "https://one"),
        Issuer("second", "ES256", {"b": second.public, "c": second.public}, "https://two"),
    )
    assert (await check(second.token(kid="b", iss="https://two"), both)).issuer == "second"
    assert "key" in await refused(first.token(kid="a", iss="https://two"), both)
    assert "key" in await refused(second.token(kid="b", iss="https://one"), both)
    assert "issuer" in await refused(second.token(kid="b"), both)


async def test_an_issuer_that_changes_its_algorithm_has_both_for_a_while() -> None:
    old, new = signer("RS256"), signer("EdDSA")
    both = trusting(
        Issuer("old", "RS256", {"": old.public}, "https://one"), Issuer("new", "EdDSA", {"": new.public}, "https://one")
    )
    assert (await check(old.token(iss="https://one"), both)).issuer == "old"
    assert (await check(new.token(iss="https://one"), both)).issuer == "new"
    assert await refused(SECRET.token(iss="https://one"), both) == "it is not signed with RS256 or EdDSA"


async def test_an_expired_forgery_is_refused_not_expired() -> None:
    with pytest.raises(TokenExpired):
        await check(SECRET.token(exp=NOW_S - 100))
    assert "signature" in await refused(signer("HS256").token(exp=NOW_S - 100))


async def test_a_token_for_one_channel() -> None:
    async def one(text: str, channel: str, user: str = "77") -> Claims:
        return await OWN.check_subscription(text, channel, user=user, now_ms=NOW_S * 1000)

    text = SECRET.token(channel="campaign:9")
    assert (await one(text, "campaign:9")).expires_ms == (NOW_S + 110) * 1000
    for asked, user, says in (("campaign:9", "78", "another user's"), ("campaign:8", "77", "another channel")):
        with pytest.raises(TokenRefused, match=says):
            await one(text, asked, user)
    assert "one channel" in await refused(text)


async def test_revoked_and_redeemed() -> None:
    authenticator = trusting(Issuer("development", "HS256", {"": SECRET.public}))
    mine, other = SECRET.token(jti="a"), SECRET.token(jti="b")
    now_ms = NOW_S * 1000
    ticket = authenticator.tickets.issue(await check(mine, authenticator))
    revoked = authenticator.tickets.issue(await check(other, authenticator))
    late = authenticator.tickets.issue(replace(await check(mine, authenticator), expires_ms=now_ms))
    assert (await check(ticket, authenticator)).jti == "a"
    assert "ticket" in await refused(ticket, authenticator)
    with pytest.raises(TokenExpired):
        await check(late, authenticator)
    await authenticator.revocations.revoke("jti", "b", now_ms=now_ms)
    assert await refused(other, authenticator) == await refused(revoked, authenticator) == "it was revoked"
    await authenticator.revocations.revoke("user", "77", now_ms=now_ms)
    assert await refused(mine, authenticator) == "it was revoked"


async def test_keys_that_cannot_be_used_are_found_at_start() -> None:
    with pytest.raises(ValueError, match="issuer short: the key is too short for HS256"):
        trusting(Issuer("short", "HS256", {"": b"short"}))
    with pytest.raises(ValueError, match="issuer wrong: the key is not a key for RS256"):
        trusting(Issuer("wrong", "RS256", {"": SECRET.public}))


async def test_deep_and_long_tokens_are_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 20_000).rstrip(b"=").decode()
    assert "read" in await refused(f"{deep}.{deep}.AAAA"[:60_000])
    assert "read" in await refused(f"{SECRET.token().split('.')[0]}.{deep}.AAAA")
    assert "too long" in await refused(SECRET.token(campaigns=["x" * 60] * 1000))


@given(st.text(max_size=200) | st.lists(st.text(max_size=30), min_size=3, max_size=3).map(".".join))
async def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(TokenError):
        await check(text)


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip"]), st.text(max_size=9)),
    ODD_CLAIMS,
)
async def test_any_signed_token_is_read_or_refused(header: dict[str, Any], body: dict[str, Any]) -> None:
    text = forged({"alg": "HS256"} | header, claims() | body, SECRET.public)
    for check_one in (check(text), OWN.check_subscription(text, "campaign:1", user="77", now_ms=NOW_S * 1000)):
        with contextlib.suppress(TokenError):
            assert (await check_one).expires_ms + 5000 > NOW_S * 1000


@settings(max_examples=50)
@given(st.integers(0, len(SECRET.token()) - 1), st.sampled_from("Aa0_-."))
async def test_a_changed_token_opens_nothing_new(at: int, letter: str) -> None:
    good = SECRET.token()
    with contextlib.suppress(TokenError):
        assert await check(good[:at] + letter + good[at + 1 :]) == await check(
            good
        )  # unused bits of base64's last letter


@pytest.mark.parametrize(
    ("channel", "owner", "opens"),
    [
        ("user:77", None, True),
        ("user:78", "77", False),
        ("campaign:1", "77", True),
        ("campaign:1", "78", False),
        ("campaign:1", None, False),
        ("campaign:5", "78", True),
    ],
)
def test_what_it_opens(channel: str, owner: str | None, opens: bool) -> None:
    who = Claims("77", frozenset({"5"}), frozenset({"USER"}), 0, "i")
    assert may_open(who, Channel.parse(channel), owner, see_all=frozenset({"ADMIN"})) is opens
    admin = Claims("1", frozenset(), frozenset({"ADMIN"}), 0, "i")
    assert may_open(admin, Channel.parse(channel), owner, see_all=frozenset({"ADMIN"})) is channel.startswith(
        "campaign"
    )
