"""Builds a running gateway on port 0 for tests, with tokens made on the spot."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Any

import jwt

from bridge.gateway.auth import Authenticator
from bridge.gateway.clients import Clients
from bridge.gateway.hub import Hub
from bridge.gateway.presence import Presence
from bridge.gateway.server import PATH, GatewayServer
from bridge.gateway.settings import GatewaySettings, Issuer, TokenSettings
from bridge.gateway.shared import Rooms
from tests.bridge.gateway.memory_history import MemoryHistory, Publisher
from tests.footing import Clock

OWNER, STRANGER = "77", "88"


async def until(condition: Callable[[], object], *, deadline_s: float = 20) -> None:
    """Wait for what should become true."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        await asyncio.sleep(0.005)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Running:
    """A gateway and what stands behind it. Campaign 1 belongs to OWNER."""

    settings: GatewaySettings
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    history: MemoryHistory = field(default_factory=MemoryHistory)
    hub: Hub = field(default_factory=Hub)
    owners: dict[str, str] = field(default_factory=lambda: {"1": OWNER})
    ssl: SSLContext | None = None
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        issuer = Issuer("development", "HS256", {"": self.secret})
        self.rooms = Rooms(
            self.hub,
            Presence(max_clients=self.settings.presence_max_clients),
            self.history,
            Authenticator(TokenSettings((issuer,), leeway_s=0)),
            self._owner,
            self.clock.ms,
            self.clock.steady_ms,
            Clients(max_per_user=self.settings.max_connections_per_user),
        )
        self.server = GatewayServer(self.settings, self.rooms, ssl=self.ssl)
        self.publisher = Publisher(self.hub, self.history)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}{PATH}"

    def token(self, user: str = OWNER, *, lives_s: float = 120, **claims: Any) -> str:
        now_s = time.time()
        return jwt.encode({"id": user, "iat": now_s - 60, "exp": now_s + lives_s, **claims}, self.secret)

    async def _owner(self, campaign_id: str) -> str | None:
        return self.owners.get(campaign_id)


@contextlib.asynccontextmanager
async def running_gateway(**changes: Any) -> AsyncIterator[Running]:
    """Runs until the block ends; an error inside the server comes up here."""
    ssl = changes.pop("ssl", None)
    running = Running(GatewaySettings(**{"port": 0, "close_timeout_s": 1.0, **changes}), ssl=ssl)
    await running.server.start()
    task = asyncio.create_task(running.server.run())
    await asyncio.sleep(0)  # it has begun: cancelling it stops the server
    try:
        yield running
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
