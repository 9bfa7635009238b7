"""The HTTP door over a real socket: what it takes, what it refuses, and in which words."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.errors import AddressUnusable
from bridge.gateway.api import ApiServer
from bridge.gateway.settings import ApiKey, HttpSettings
from tests.bridge.gateway.api_fixture import SCOPES, running
from tests.bridge.gateway.gateway_fixture import now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend


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
