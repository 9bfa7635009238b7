"""The console's routes: who may read, what is asked of the part behind them, and what is refused."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.settings import ApiKey, GatewaySettings, HttpSettings
from bridge.protocol.values import JSON
from tests.bridge.gateway.gateway_fixture import Running, now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend
from tests.bridge.gateway.memory_console import MemoryConsole

PATHS = ("/v1/campaigns", "/v1/campaigns/1/timeline", "/v1/outbox/entries", "/v1/costs", "/v1/status", "/v1/clients")
ALLOWED, OTHER = secrets.token_hex(32), secrets.token_hex(32)


@dataclass
class Asking:
    """A door with a console behind it, and a gateway that nobody is connected to at first."""

    port: int
    console: MemoryConsole
    gateway: Running

    async def get(self, path: str, key: str | None = ALLOWED) -> tuple[int, Any]:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers) as answer,
        ):
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def door() -> AsyncIterator[Asking]:
    keys = (
        ApiKey("onlooker", ALLOWED, frozenset({"console:read"}), 1e6, 1_000_000),
        ApiKey("backend", OTHER, frozenset({"campaigns:read", "outbox:write"}), 1e6, 1_000_000),
    )
    console, gateway = MemoryConsole(), Running(GatewaySettings())
    parts = Parts(console=console, realtime=(gateway.rooms, gateway.settings.session_limits))
    server = ApiServer(HttpSettings(port=0, api_keys=keys), MemoryBackend(), now_ms=now_ms, parts=parts)
    await server.start()
    try:
        yield Asking(server.port, console, gateway)
    finally:
        await server.stop()


@pytest.mark.parametrize("path", PATHS)
async def test_each_wants_its_scope(path: str) -> None:
    async with door() as asking:
        assert (await asking.get(path))[0] == 200
        status, refused = await asking.get(path, OTHER)
        assert (status, refused["error"]["message"]) == (403, "this API key lacks the scope console:read")
        assert (await asking.get(path, None))[0] == 401


async def test_what_is_asked_for_arrives() -> None:
    async with door() as asking:
        await asking.get("/v1/campaigns")
        await asking.get("/v1/campaigns?after=c1&q=%25&halted=true&limit=100")
        await asking.get("/v1/campaigns/c1/timeline?before=7&limit=1")
        await asking.get("/v1/outbox/entries")
        await asking.get("/v1/outbox/entries?state=waiting&campaign=c1&after=c1/7")
    asked: list[JSON] = [
        ["campaigns", "", "", False, 50],
        ["campaigns", "c1", "%", True, 100],
        ["timeline", "c1", 7, 1],
        ["outbox", "parked", "", "", 0, 50],
        ["outbox", "waiting", "c1", "c1", 7, 50],
    ]
    assert asking.console.asked == asked


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/v1/campaigns?limit=0", "limit must be a whole number from 1 to 100"),
        ("/v1/campaigns?limit=101", "limit must be a whole number from 1 to 100"),
        ("/v1/campaigns?limit=²", "limit must be a whole number from 1 to 100"),
        ("/v1/campaigns?limit=", "limit must be a whole number from 1 to 100"),
        ("/v1/campaigns?halted=yes", "halted must be one of false, true"),
        (f"/v1/campaigns?q={'x' * 81}", "q has 81 characters, and may have 80"),
        (f"/v1/campaigns?after={'x' * 81}", "after has 81 characters, and may have 80"),
        ("/v1/campaigns/1/timeline?before=-1", "before must be a whole number from 1 to 999999999999999999"),
        ("/v1/outbox/entries?state=confirmed", "state must be one of parked, waiting, flying, submitted, dropped"),
        ("/v1/outbox/entries?after=c1", "after is what an answer gave as next"),
        ("/v1/outbox/entries?after=c1/7%0A", "after is what an answer gave as next"),
        ("/v1/outbox/entries?after=c1/1234567890123456789", "after is what an answer gave as next"),
    ],
)
async def test_garbage_is_refused_with_the_rule(path: str, why: str) -> None:
    async with door() as asking:
        status, refused = await asking.get(path)
        assert (status, refused["error"]["code"], refused["error"]["message"]) == (422, "refused", why)
        assert asking.console.asked == []


async def test_an_unknown_campaign() -> None:
    async with door() as asking:
        assert (await asking.get("/v1/campaigns/unknown/timeline"))[0] == 404


async def test_the_status_says_what_the_key_may() -> None:
    async with door() as asking:
        _, status = await asking.get("/v1/status")
        assert (status["scopes"], status["clients"], status["accepted"]) == (["console:read"], 0, 5)


async def test_clients_are_counted_and_users_not_named() -> None:
    async with door() as asking:
        hub = asking.gateway.rooms.hub
        for channel, count in (("campaign:c1", 1), ("campaign:c2", 2), ("user:private-77", 3)):
            for _ in range(count):
                hub.subscribe(channel, Listening())
        assert await asking.get("/v1/clients") == (
            200,
            {
                "clients": 0, "users": 0, "channels": 3,
                "campaigns": [{"campaignId": "c2", "subscribers": 2}, {"campaignId": "c1", "subscribers": 1}],
            },
        )  # fmt: skip


class Listening:
    """A subscriber."""

    def deliver(self, frame: object) -> None: ...
    def deliver_last(self, frame: object) -> None: ...
    def overflow(self) -> None: ...
