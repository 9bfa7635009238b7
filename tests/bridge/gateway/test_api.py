"""The HTTP door over a real socket: what it takes, what it refuses, and in which words."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.errors import AddressUnusable
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.pages import Pages
from bridge.gateway.settings import ApiKey, HttpSettings
from tests.bridge.gateway.gateway_fixture import now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend

SCOPES = frozenset({"events:write", "events:read", "campaigns:write", "campaigns:read"})


class Api:
    """A running door, its backend, and a client that has a key."""

    def __init__(self, server: ApiServer, backend: MemoryBackend, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.backend = backend
        self.session = session

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, path, **options) as response:
            return response.status, await response.json()

    async def refusal(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        status, body = await self.ask(method, path, **options)
        assert set(body) == {"error"}
        return status, body["error"]["code"]


@contextlib.asynccontextmanager
async def running(page: Path | None = None, **changes: Any) -> AsyncIterator[Api]:
    secret, backend = secrets.token_hex(32), MemoryBackend()
    settings = HttpSettings(**{"port": 0, "api_keys": (ApiKey("backend", secret, SCOPES),), **changes})
    server = ApiServer(settings, backend, now_ms=now_ms, parts=Parts(None if page is None else Pages(page)))
    await server.start()
    task = asyncio.create_task(server.run())
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as session:
        yield Api(server, backend, session)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_campaigns() -> None:
    async with running() as api:
        status, body = await api.ask("POST", "/v1/campaigns", json={"id": "1", "ownerId": "77"})
        assert (status, body["ownerId"], body["topicId"]) == (201, "77", None)
        bare = await api.ask("POST", "/v1/campaigns", json={"id": 2**60, "ownerId": 77})
        assert (bare[0], bare[1]["id"], bare[1]["ownerId"]) == (201, str(2**60), "77")
        assert (await api.ask("GET", "/v1/campaigns/1"))[0] == 200
        assert await api.refusal("GET", "/v1/campaigns/2") == (404, "not_found")
        sealed = await api.ask("POST", "/v1/campaigns", json={"id": "3", "ownerId": "77", "relay": "sealed"})
        assert (body["relay"], sealed[1]["relay"]) == ("plain", "sealed")
        other = {"id": "1", "ownerId": "78"}
        assert await api.refusal("POST", "/v1/campaigns", json=other) == (409, "campaign_refused")
        mistakes: list[object] = [{}, [], {"id": 1.5, "ownerId": "77"}, {"id": "1", "ownerId": "77", "extra": 1}]
        mistakes += [{"id": "1", "ownerId": "77", "relay": wrong} for wrong in ("open", 1, None)]
        for wrong in mistakes:
            assert await api.refusal("POST", "/v1/campaigns", json=wrong) == (422, "refused")


async def test_events_one_or_many() -> None:
    async with running() as api:
        assert await api.ask("POST", "/v1/events", json={"event": "X"}) == (202, {"ids": ["id-0"]})
        status, body = await api.ask("POST", "/v1/events", json=[{"event": "X"}, {"event": "Y"}])
        assert (status, body["ids"]) == (202, ["id-1", "id-2"])
        assert api.backend.events["id-1"] == ("backend", {"event": "X"})
        assert (await api.ask("GET", "/v1/events/id-1"))[1]["status"] == "accepted"
        assert await api.refusal("GET", "/v1/events/id-9") == (404, "not_found")
        status, body = await api.ask("POST", "/v1/events", json=[{"event": "X"}, {}])
        assert (status, body["error"]["problems"][0]["index"]) == (422, 1)
        assert len(api.backend.events) == 3


async def test_big_integers_stay_exact() -> None:
    async with running() as api:
        big = 12345678901234567890123
        await api.ask("POST", "/v1/events", data=b'{"event":"X","payload":{"n":%d}}' % big)
        assert api.backend.events["id-0"][1] == {"event": "X", "payload": {"n": big}}


async def test_idempotency() -> None:
    async with running() as api:
        headers = {"Idempotency-Key": "k-1"}
        first = await api.ask("POST", "/v1/events", json={"event": "X"}, headers=headers)
        assert await api.ask("POST", "/v1/events", json={"event": "X"}, headers=headers) == first
        conflict = await api.refusal("POST", "/v1/events", json={"event": "Y"}, headers=headers)
        assert conflict == (409, "idempotency_conflict")
        spaced = {"Idempotency-Key": "a b"}
        assert await api.refusal("POST", "/v1/events", json={}, headers=spaced) == (400, "bad_idempotency_key")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "character 0"),
        (b'{"a": 1,}', "character 8"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"[" * 100_000, "nested"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'{"a": ' + b"1" * 5000 + b"}", "digits"),
    ],
)
async def test_malformed_bodies(body: bytes, says: str) -> None:
    async with running() as api:
        status, answer = await api.ask("POST", "/v1/events", data=body)
        assert (status, answer["error"]["code"]) == (400, "malformed_json")
        assert says in answer["error"]["message"]
        assert (await api.ask("GET", "/healthz"))[0] == 200


async def test_limits() -> None:
    async with running(max_body_bytes=1000) as api:
        assert (await api.refusal("POST", "/v1/events", data=b"x" * 1001))[0] == 413
    async with running(request_timeout_s=0.1) as api:
        stuck = asyncio.Event()

        async def trickle() -> AsyncIterator[bytes]:
            yield b"["
            await stuck.wait()

        assert await api.refusal("POST", "/v1/events", data=trickle()) == (408, "timeout")
    secret = secrets.token_hex(32)
    async with running(api_keys=(ApiKey("k", secret, SCOPES, rate_per_s=0.5, burst=1),)) as api:
        headers = {"Authorization": f"Bearer {secret}"}
        assert (await api.ask("GET", "/v1/events/x", headers=headers))[0] == 404
        async with api.session.get("/v1/events/x", headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "2")


async def test_who_may_not() -> None:
    async with running() as api:
        for path in ("/v1/events", "/v1/campaigns"):
            wrong = {"Authorization": "Bearer wrong"}
            assert await api.refusal("POST", path, json={}, headers=wrong) == (401, "unauthorized")
        assert await api.refusal("GET", "/v1/nothing") == (404, "not_found")
        assert await api.refusal("DELETE", "/v1/events") == (405, "method_not_allowed")


async def test_a_store_that_is_away() -> None:
    async with running() as api:
        api.backend.down = True
        async with api.session.post("/v1/events", json={"event": "X"}) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "3")
            message = "database is unavailable: it is away; try again"
            assert (await response.json())["error"] == {"code": "unavailable", "message": message, "problems": []}


async def test_the_page(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>live</h1>")
    (tmp_path / "client" / "dist").mkdir(parents=True)
    async with running(tmp_path) as api:
        assert api.server.origins == tuple(f"http://{name}:{api.server.port}" for name in ("127.0.0.1", "localhost"))
        for path in ("/", "/web/", "/web/index.html"):
            async with api.session.get(path) as response:
                assert await response.text() == "<h1>live</h1>"
                assert "default-src 'self'" in response.headers["Content-Security-Policy"]
        assert (await api.refusal("GET", "/web/%2e%2e/secret"))[0] == 404


async def test_a_taken_port_is_named() -> None:
    async with running() as api:
        taken = api.server.port
        second = ApiServer(HttpSettings(port=taken), MemoryBackend(), now_ms=now_ms)
        with pytest.raises(AddressUnusable, match=rf"cannot listen on 127\.0\.0\.1:{taken}"):
            await second.start()
        with pytest.raises(RuntimeError):
            _ = second.port
