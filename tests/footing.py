"""What a test's rooms stand on: a clock that can be put forward, a devnet, and a database."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge import config_sections as sections
from bridge import migrations, settings
from bridge.database import Database
from tests.servers import place_at
from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings
from topics.values import NANOS

NETWORK = "devnet"
GENERATION = "the generation of the test's store"


@dataclass(slots=True)
class Clock:
    """The time of day, and how far a test has put it forward; the devnet and our rooms read the same one.

    `set_by_ns`: by how much somebody has set it while it was going.
    """

    ahead_ns: int = 0
    set_by_ns: int = 0

    def __call__(self) -> int:
        return self.elapsed() + self.set_by_ns

    def elapsed(self) -> int:
        """The same as if nobody had set it."""
        return time.time_ns() + self.ahead_ns

    def ms(self) -> int:
        """The same in milliseconds."""
        return self() // 1_000_000

    def steady_ms(self) -> int:
        """The milliseconds that durations go by."""
        return self.elapsed() // 1_000_000

    def forward(self, seconds: float) -> None:
        """Let time pass at once."""
        self.ahead_ns += round(seconds * NANOS)


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays the same when a test closes its rooms and opens them again, as a restart does."""

    path: Path
    devnet: Devnet
    clock: Clock
    master: bytes = field(default_factory=partial(os.urandom, 32))
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        """The signing key's public half."""
        return self.signing.public_key().public_bytes_raw()


def database_at(path: Path, **keys: Any) -> AbstractAsyncContextManager[Database]:
    """A database at its newest schema, with its writer going."""
    return database_of(sections.Database(**place_at(path), **keys))


@asynccontextmanager
async def database_of(section: sections.Database) -> AsyncIterator[Database]:
    """The same, wherever the section says."""
    database = Database(section)
    migrations.upgrade(database.engine)
    with database.engine.begin() as connection:
        settings.claim(connection, network=NETWORK, generation=GENERATION, now_ns=time.time_ns())
    writer = asyncio.create_task(database.run())
    try:
        yield database
    finally:
        writer.cancel()
        with suppress(asyncio.CancelledError):
            await writer
        await database.close()


@asynccontextmanager
async def terms_at(tmp_path: Path, *, mirrors: int = 1) -> AsyncIterator[Terms]:
    """A devnet without delays, and a place for the database."""
    clock = Clock()
    network = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=mirrors, clock=clock)
    async with Devnet(network) as devnet:
        yield Terms(tmp_path / "bridge.db", devnet, clock)
