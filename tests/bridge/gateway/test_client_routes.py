"""The server API over real sockets: what a backend does to clients, and what it hears about them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bridge.config_sections import ALL_SCOPES
from bridge.counts import happened
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.settings import ApiKey, HttpSettings
from tests.bridge.gateway.gateway_fixture import Running, now_ms, running_gateway, until
from tests.bridge.gateway.memory_backend import MemoryBackend
from tests.bridge.gateway.wire_client import WireClient

USER = "user:77"


@dataclass
class Doors:
    """Both doors of one bridge, and a session with an API key for the HTTP one."""

    gateway: Running
    backend: MemoryBackend
    session: aiohttp.ClientSession

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        async with self.session.post(path, json=body) as response:
            return response.status, await response.json()

    async def get(self, path: str, **query: str) -> tuple[int, Any]:
        async with self.session.get(path, params=query) as response:
            return response.status, await response.json()


@contextlib.asynccontextmanager
async def doors(*scopes: str, **changes: Any) -> AsyncIterator[Doors]:
    key = ApiKey("backend", secrets.token_hex(32), frozenset(scopes or ALL_SCOPES))
    async with running_gateway(**changes) as gateway:
        backend, limits = MemoryBackend(), gateway.settings.session_limits
        settings = HttpSettings(port=0, api_keys=(key,))
        server = ApiServer(settings, backend, now_ms=now_ms, parts=Parts(realtime=(gateway.rooms, limits)))
        await server.start()
        task = asyncio.create_task(server.run())
        headers = {"Authorization": f"Bearer {key.secret}"}
        async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as session:
            yield Doors(gateway, backend, session)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def connected(client: WireClient, token: str, *channels: str) -> None:
    await client.ask(connect={"token": token})
    for channel in channels:
        assert "subscribe" in await client.ask(subscribe={"channel": channel})


async def test_send_tells_whether_anybody_is_there_and_keeps_the_event_anyway() -> None:
    async with doors() as made, WireClient(made.gateway.url) as client:
        change = {"event": "BALANCE_UPDATE", "payload": {"newBalance": "1"}}
        assert await made.post("/v1/send", to=USER, **change) == (202, {"id": "id-0", "connected": False})
        await connected(client, made.gateway.token(), USER)
        assert await made.post("/v1/send", to=USER, **change) == (202, {"id": "id-1", "connected": True})
        assert [kept for _, kept in made.backend.events.values()] == [{"to": USER, **change}] * 2
        status, body = await made.post("/v1/send", to="campaign:1", **change)
        assert (status, body["connected"]) == (202, False)
        assert made.backend.events["id-2"] == ("backend", {"campaignId": "1", **change})


async def test_send_repeated_with_its_key_is_one_event() -> None:
    async with doors() as made:
        body, headers = {"to": USER, "event": "X", "payload": {}}, {"Idempotency-Key": "once"}
        for _ in range(2):
            async with made.session.post("/v1/send", json=body, headers=headers) as response:
                assert (await response.json())["id"] == "id-0"
        assert len(made.backend.events) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": USER},
        {"to": USER, "event": "X"},
        {"to": 7, "event": "X", "payload": {}},
        {"to": USER, "event": "X", "payload": {}, "more": 1},
        {"to": "campaign:1", "campaignId": "2", "event": "X", "payload": {}},
    ],
)
async def test_what_is_no_message(body: dict[str, Any]) -> None:
    async with doors() as made:
        status, answer = await made.post("/v1/send", **body)
        assert (status, answer["error"]["code"]) == (422, "refused")
        assert made.backend.events == {}


@pytest.mark.parametrize("by", ["user", "jti"])
async def test_who_is_disconnected_stays_out_with_that_token(by: str) -> None:
    async with doors() as made, WireClient(made.gateway.url) as client, WireClient(made.gateway.url) as other:
        token = made.gateway.token(jti="t1")
        await connected(client, token)
        await connected(other, made.gateway.token("88", jti="t2"))
        named = {"user": "77"} if by == "user" else {"jti": "t1"}
        assert await made.post("/v1/disconnect", **named) == (200, {"disconnected": 1})
        assert await client.closed() == 3503
        async with WireClient(made.gateway.url) as again:
            await again.say(connect={"token": token})
            assert await again.closed() == 3500
        assert "subscribe" in await other.ask(subscribe={"channel": "user:88"})
        assert await made.post("/v1/disconnect", **named) == (200, {"disconnected": 0})


async def test_unsubscribe() -> None:
    async with doors() as made, WireClient(made.gateway.url) as client:
        await connected(client, made.gateway.token(), USER, "campaign:1")
        assert await made.post("/v1/unsubscribe", user="77", channel="campaign:1") == (200, {"unsubscribed": 1})
        push = (await client.hear())["push"]
        assert (push["channel"], push["unsubscribe"]["code"]) == ("campaign:1", 2000)
        assert await made.post("/v1/unsubscribe", user="77", channel="campaign:1") == (200, {"unsubscribed": 0})
        assert (await made.post("/v1/unsubscribe", user="77", channel="nonsense"))[0] == 404
        assert made.gateway.hub.subscribers(USER) == 1


async def test_refresh_prolongs_or_brings_clients_back() -> None:
    async with doors(expired_grace_s=0.1) as made, WireClient(made.gateway.url) as client:
        await connected(client, made.gateway.token(lives_s=0.5))
        expires_ms = now_ms() + 60_000
        assert await made.post("/v1/refresh", user="77", expiresAt=expires_ms) == (200, {"refreshed": 1})
        await asyncio.sleep(0.7)  # the token's own end, and its grace
        assert "subscribe" in await client.ask(subscribe={"channel": USER})
        for wrong in (now_ms() - 1, now_ms() + 3_600_000, "soon", None):
            assert (await made.post("/v1/refresh", user="77", expiresAt=wrong))[0] == 422
        assert await made.post("/v1/refresh", user="77") == (200, {"refreshed": 1})
        assert await client.closed() == 3005
        async with WireClient(made.gateway.url) as again:
            await connected(again, made.gateway.token())


async def test_tickets() -> None:
    async with doors() as made:
        status, body = await made.post("/v1/tickets", token=made.gateway.token())
        assert (status, body["lifetimeS"]) == (201, 30)
        async with WireClient(f"{made.gateway.url}?ticket={body['ticket']}") as client:
            assert "connect" in await client.ask(connect={})
        before = happened["tokens refused", "expired"]
        status, body = await made.post("/v1/tickets", token=made.gateway.token(lives_s=-1))
        assert (status, body["error"]["code"]) == (422, "token_refused")
        assert happened["tokens refused", "expired"] - before == 1


async def test_presence_and_info() -> None:
    async with doors() as made, WireClient(made.gateway.url) as client, WireClient(made.gateway.url) as other:
        await connected(client, made.gateway.token(), USER, "campaign:1")
        await connected(other, made.gateway.token(), "campaign:1")
        status, body = await made.get("/v1/channels/campaign:1/presence")
        assert (status, body["numClients"], body["numUsers"]) == (200, 2, 1)
        assert set(body["clients"].values()) == {"77"}
        assert (await made.get("/v1/channels/nonsense/presence"))[0] == 404
        status, info = await made.get("/v1/info")
        assert (info["clients"], info["users"], info["channels"]) == (2, 1, 2)
    await until(lambda: len(made.gateway.rooms.clients) == 0)


async def test_history_in_pages() -> None:
    async with doors(history_max_publications=3) as made:
        for offset in range(1, 6):
            made.gateway.publisher.confirm(USER, offset, number=offset)
        path = f"/v1/channels/{USER}/history"
        status, body = await made.get(path)
        assert (status, body["offset"], [row["offset"] for row in body["publications"]]) == (200, 5, [1, 2, 3])
        assert body["publications"][0]["data"]["data"] == {"number": 1}
        pages = [({"since": "3"}, [4, 5]), ({"limit": "2", "since": "1", "epoch": body["epoch"]}, [2, 3]),
                 ({"reverse": "true", "limit": "2"}, [5, 4]), ({"reverse": "true", "since": "3"}, [2, 1]),
                 ({"since": "5"}, [])]  # fmt: skip
        for query, offsets in pages:
            assert [row["offset"] for row in (await made.get(path, **query))[1]["publications"]] == offsets
        for foreign in ({"epoch": "another"}, {"since": "6"}):
            status, body = await made.get(path, **foreign)
            assert (status, body["error"]["code"]) == (409, "unrecoverable_position")
        for wrong in ("-1", "x", "٣", str(2**63)):
            assert (await made.get(path, since=wrong))[0] == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/disconnect", {}),
        ("/v1/disconnect", {"user": "77", "jti": "t"}),
        ("/v1/disconnect", {"user": "a b"}),
        ("/v1/disconnect", {"jti": ""}),
        ("/v1/unsubscribe", {"user": "77"}),
        ("/v1/refresh", {"user": "77", "expired": True}),
        ("/v1/tickets", {"token": 7}),
    ],
)
async def test_what_each_does_not_take(path: str, body: dict[str, Any]) -> None:
    async with doors() as made, WireClient(made.gateway.url) as client:
        await connected(client, made.gateway.token())
        status, answer = await made.post(path, **body)
        assert (status, answer["error"]["code"]) == (422, "refused")
        assert "subscribe" in await client.ask(subscribe={"channel": USER})


async def test_each_asks_for_its_scope() -> None:
    async with doors("events:read") as made:
        for path in ("/v1/send", "/v1/disconnect", "/v1/unsubscribe", "/v1/refresh", "/v1/tickets"):
            assert (await made.post(path))[0] == 403
        for path in (f"/v1/channels/{USER}/presence", f"/v1/channels/{USER}/history", "/v1/info"):
            assert (await made.get(path))[0] == 403
