"""One client's identity: which token counts, what it opens, and what a token for one channel adds."""

from __future__ import annotations

import time

import jwt
from structlog.testing import capture_logs

from bridge.counts import happened
from bridge.gateway.auth import Authenticator
from bridge.gateway.identity import Identity
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.protocol.realtime import steps

SECRET = b"s" * 32
NOW_MS = time.time_ns() // 1_000_000


def token(user: str = "77", *, lives_s: int = 60, **claims: object) -> str:
    now_s = NOW_MS // 1000
    return jwt.encode({"id": user, "iat": now_s - 60, "exp": now_s + lives_s, **claims}, SECRET)


def identity(offered: str = "") -> tuple[Identity, list[str]]:
    """And the campaigns whose owner was asked for; all are 77's."""
    asked: list[str] = []

    async def owner_of(campaign_id: str) -> str:
        asked.append(campaign_id)
        return "77"

    authenticator = Authenticator(TokenSettings((Issuer("development", "HS256", {"": SECRET}),), leeway_s=0))
    return Identity(authenticator, owner_of, lambda: NOW_MS, offered=offered), asked


async def test_the_commands_token_goes_before_that_of_the_handshake() -> None:
    both, _ = identity(token("88"))
    outcome = await both.authenticate(token(channels=["campaign:1"]))
    assert isinstance(outcome, steps.Authenticated)
    assert (outcome.user, outcome.channels, outcome.renewable) == ("77", ("campaign:1",), True)
    handshake, _ = identity(token("88"))
    outcome = await handshake.authenticate("")
    assert isinstance(outcome, steps.Authenticated)
    assert (outcome.user, outcome.renewable) == ("88", False)
    assert await handshake.authenticate("") == steps.Anonymous()  # it is not kept


async def test_what_is_no_good() -> None:
    assert await identity()[0].authenticate("") == steps.Anonymous()
    assert await identity()[0].authenticate("garbage") == steps.Refused()
    assert await identity()[0].authenticate(token(lives_s=-1)) == steps.Expired(renewable=True)
    assert await identity(token(lives_s=-1))[0].authenticate("") == steps.Expired(renewable=False)
    assert not await identity()[0].may_open("user:77")


async def test_the_owner_is_asked_for_only_where_that_decides() -> None:
    who, asked = identity()
    await who.authenticate(token(campaigns=["9"]))
    opened = [await who.may_open(name) for name in ("user:77", "user:88", "campaign:9", "campaign:1")]
    assert (opened, asked) == ([True, False, True, True], ["1"])


async def test_a_token_for_one_channel_decides_alone() -> None:
    who, asked = identity()
    await who.authenticate(token("88"))
    own = token("88", channel="campaign:2")
    assert await who.authorize("campaign:2", own) == steps.Allowed((NOW_MS // 1000 + 60) * 1000)
    assert await who.authorize("campaign:3", own) == steps.Denied()
    assert await who.authorize("campaign:2", token("77", channel="campaign:2")) == steps.Denied()
    assert await who.authorize("campaign:2", token("88", channel="campaign:2", lives_s=-1)) == steps.Expired()
    assert (await who.authorize("campaign:2", ""), asked) == (steps.Denied(), ["2"])


async def test_each_token_that_opens_nothing_is_counted_once_by_its_reason() -> None:
    who, _ = identity()
    await who.authenticate(token())
    own, late = token(channel="campaign:2"), token(channel="campaign:2", lives_s=-1)
    for reason, refused in (
        ("refused", who.authenticate("garbage")),
        ("expired", who.authenticate(token(lives_s=-1))),
        ("refused", who.authorize("campaign:3", own)),
        ("expired", who.authorize("campaign:2", late)),  # at a subscription, and when it is to be refreshed
    ):
        before = happened.copy()
        await refused
        assert happened - before == {("tokens refused", reason): 1}
    before = happened.copy()
    await who.authorize("campaign:2", own)
    assert happened == before


async def test_a_flood_of_bad_tokens_is_a_line_for_each_reason_whoever_brings_them() -> None:
    first, _ = identity()
    second = Identity(first._authenticator, first._owner_of, lambda: NOW_MS)
    bad = token(iat=NOW_MS)
    with capture_logs() as logs:
        for _ in range(100):
            await first.authenticate("garbage")
            await second.authenticate("garbage")
            await second.authenticate(bad)
    assert [(log["event"], log["times"]) for log in logs] == [("token refused", 1)] * 2
    assert len({log["reason"] for log in logs}) == 2
    assert "garbage" not in str(logs)
    assert bad not in str(logs)
