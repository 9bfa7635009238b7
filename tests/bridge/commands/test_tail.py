"""Following a channel with the public client: order, place to start from, and clear ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from bridge.commands.exits import FAILED, UNREACHABLE, CommandFailed
from bridge.commands.tail import Since, Tail
from tests.bridge.commands.stand_ins import ScriptedGateway, gateway_listening
from tests.bridge.gateway.gateway_fixture import running_gateway, until
from tests.bridge.gateway.memory_history import EPOCH

SUBSCRIBED: dict[str, Any] = {
    "subscribe": {"recoverable": True, "positioned": True, "epoch": "e", "offset": 0, "recovered": True}
}
PUBLICATIONS = [{"event": "A"}, {"event": "B"}, {"event": "C"}]


async def first(tail: Tail, url: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with aclosing(tail.publications(url, "token")) as publications:
        async for publication in publications:
            found.append(publication)
            if len(found) == count:
                break
    return found


async def test_publications_come_in_order() -> None:
    notices: list[str] = []
    async with gateway_listening(ScriptedGateway(SUBSCRIBED, PUBLICATIONS)) as url:
        assert await first(Tail("campaign:1", notice=notices.append), url, 3) == PUBLICATIONS
    assert notices == ["subscribed at offset 0, epoch e"]


async def test_the_place_that_is_told_is_one_to_start_after() -> None:
    async with running_gateway() as gateway:
        gateway.publisher.confirm("campaign:1", 7000, n=1)
        notices: list[str] = []
        early = Tail("campaign:1", notice=notices.append)
        async with aclosing(early.publications(gateway.url, gateway.token())) as publications:
            waiting = asyncio.ensure_future(anext(publications))
            await until(lambda: notices)
            gateway.publisher.confirm("campaign:1", 8000, n=2)
            seen = await waiting
        assert notices == [f"subscribed at offset 7000, epoch {EPOCH}"]
        late = Tail("campaign:1", since=Since(7000, EPOCH), notice=notices.append)
        async with aclosing(late.publications(gateway.url, gateway.token())) as publications:
            assert await anext(publications) == seen


async def test_since_asks_for_recovery_from_there() -> None:
    gateway = ScriptedGateway(SUBSCRIBED, PUBLICATIONS)
    async with gateway_listening(gateway) as url:
        await first(Tail("campaign:1", since=Since(4002, "0.0.7-ab"), notice=lambda _: None), url, 1)
    [asked] = gateway.subscribes
    assert (asked["recover"], asked["offset"], asked["epoch"]) == (True, 4002, "0.0.7-ab")


async def test_a_channel_that_is_not_ours_ends_it() -> None:
    denied = {"error": {"code": 103, "message": "permission denied"}}
    async with gateway_listening(ScriptedGateway(denied, [])) as url:
        with pytest.raises(CommandFailed, match="103") as caught:
            await first(Tail("user:1", notice=lambda _: None), url, 1)
    assert caught.value.code == FAILED
    assert "token" in caught.value.hint


async def test_history_that_is_gone_ends_it() -> None:
    gone = {"error": {"code": 112, "message": "unrecoverable position"}}
    async with gateway_listening(ScriptedGateway(gone, [])) as url:
        with pytest.raises(CommandFailed, match="gone"):
            await first(Tail("campaign:1", since=Since(1, "old"), notice=lambda _: None), url, 1)


async def test_no_gateway_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.commands.tail.CONNECT_TIMEOUT_S", 0.5)
    with pytest.raises(CommandFailed, match="no session at ws://127") as caught:
        await first(Tail("campaign:1", notice=lambda _: None), "ws://127.0.0.1:1/connection/websocket", 1)
    assert caught.value.code == UNREACHABLE


async def test_the_stream_outlives_its_tokens() -> None:
    async with running_gateway(expired_grace_s=0.5) as gateway:
        minted: list[str] = []

        def mint() -> str:
            minted.append(gateway.token(lives_s=2))
            return minted[-1]

        notices: list[str] = []
        tail = Tail("campaign:1", notice=notices.append)
        async with aclosing(tail.publications(gateway.url, mint)) as publications:
            waiting = asyncio.ensure_future(anext(publications))
            await until(lambda: len(minted) > 5)
            gateway.publisher.confirm("campaign:1", 1000, n=1)
            assert (await waiting)["data"] == {"n": 1}
    assert len(notices) == 1


@pytest.mark.parametrize("lives_s", [-1, 1.5], ids=["before", "meanwhile"])
async def test_a_token_that_cannot_be_renewed_is_said_to_have_expired(lives_s: float) -> None:
    async with running_gateway(expired_grace_s=0) as gateway:
        tail = Tail("campaign:1", notice=lambda _: None)
        with pytest.raises(CommandFailed, match="the token has expired") as caught:
            await anext(tail.publications(gateway.url, gateway.token(lives_s=lives_s)))
    assert caught.value.code == FAILED
    assert "--token" in caught.value.hint


async def test_a_token_that_is_none_is_refused_by_the_gateway() -> None:
    async with running_gateway() as gateway:
        with pytest.raises(CommandFailed, match="3500 invalid token") as caught:
            await anext(Tail("campaign:1", notice=lambda _: None).publications(gateway.url, "abc"))
    assert caught.value.code == FAILED
