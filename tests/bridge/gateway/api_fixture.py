"""A running HTTP door with a backend in memory, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.pages import Pages
from bridge.gateway.settings import ApiKey, HttpSettings
from tests.bridge.gateway.gateway_fixture import now_ms
from tests.bridge.gateway.memory_backend import MemoryBackend

NOTHING_ELSE = Parts()
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
async def running(page: Path | None = None, parts: Parts = NOTHING_ELSE, **changes: Any) -> AsyncIterator[Api]:
    secret, backend = secrets.token_hex(32), MemoryBackend()
    settings = HttpSettings(**{"port": 0, "api_keys": (ApiKey("backend", secret, SCOPES),), **changes})
    server = ApiServer(
        settings, backend, now_ms=now_ms, parts=replace(parts, pages=None if page is None else Pages(page))
    )
    await server.start()
    task = asyncio.create_task(server.run())
    headers = {"Authorization": f"Bearer {secret}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", headers=headers) as session:
        yield Api(server, backend, session)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
