"""Both doors of one bridge, with what the HTTP one has for readers: proofs, and keys for people."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.settings import ApiKey, HttpSettings
from tests.bridge.gateway.gateway_fixture import Running, now_ms, running_gateway
from tests.bridge.gateway.memory_backend import MemoryBackend
from tests.bridge.gateway.memory_granting import MemoryGranting, MemoryProofs

KEEPER, OTHER = "a key for keys", "a key for nothing"


@dataclass
class Readers:
    gateway: Running
    proofs: MemoryProofs
    granting: MemoryGranting
    session: aiohttp.ClientSession

    async def get(self, path: str, token: str = "", **headers: str) -> tuple[int, Any]:
        if token:
            headers["Authorization"] = f"Bearer {token}"
        async with self.session.get(path, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: Any, secret: str = KEEPER) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {secret}"}
        async with self.session.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()


@contextlib.asynccontextmanager
async def reading(proofs: MemoryProofs | None = None, **changes: Any) -> AsyncIterator[Readers]:
    async with running_gateway(**changes) as gateway:
        proofs, granting = proofs or MemoryProofs(), MemoryGranting()
        parts = Parts(streams=(gateway.rooms, gateway.server), proofs=proofs, granting=granting)
        keys = ApiKey("keeper", KEEPER, frozenset({"keys:write"})), ApiKey("other", OTHER, frozenset())
        api = ApiServer(HttpSettings(port=0, api_keys=keys), MemoryBackend(), now_ms=now_ms, parts=parts)
        await api.start()
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}") as session:
                yield Readers(gateway, proofs, granting, session)
        finally:
            await api.stop()
