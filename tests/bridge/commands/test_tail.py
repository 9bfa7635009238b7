"""Following a channel with the public client: order, place to start from, and clear ends."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from bridge.commands.exits import FAILED, UNREACHABLE, CommandFailed
from bridge.commands.tail import Since, Tail
from tests.bridge.commands.stand_ins import ScriptedGateway, gateway_listening

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
    assert notices == ["subscribed"]


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
