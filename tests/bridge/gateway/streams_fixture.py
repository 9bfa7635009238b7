"""Both doors of one bridge, with the streams that the HTTP one has for the gateway, and a reader of events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.settings import HttpSettings
from tests.bridge.gateway.gateway_fixture import Running, now_ms, running_gateway
from tests.bridge.gateway.memory_backend import MemoryBackend

DEADLINE_S = 10


@dataclass
class Doors:
    gateway: Running
    api: ApiServer
    session: aiohttp.ClientSession

    def events(self, channel: str, token: str = "", *, place: str | None = None, **headers: str) -> Any:
        """The request for a channel's events."""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if place is not None:
            headers["Last-Event-ID"] = place
        return self.session.get(f"/v1/channels/{channel}/events", headers=headers)


@contextlib.asynccontextmanager
async def streaming(**changes: Any) -> AsyncIterator[Doors]:
    async with running_gateway(**{"drain_timeout_s": 0.1, **changes}) as gateway:
        parts = Parts(streams=(gateway.rooms, gateway.server))
        api = ApiServer(HttpSettings(port=0), MemoryBackend(), now_ms=now_ms, parts=parts)
        await api.start()
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}") as session:
                yield Doors(gateway, api, session)
        finally:
            await api.stop()


async def event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event, comments left out; {} at the end."""
    found: dict[str, str] = {}
    while line := await asyncio.wait_for(response.content.readline(), DEADLINE_S):
        name, colon, value = line.decode().rstrip("\n").partition(":")
        if name:
            found[name] = value.removeprefix(" ")
        elif found and not colon:
            return found
    return {}
