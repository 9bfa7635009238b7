"""A daemon of several, with ways of its own to what they share, which can be cut; and a Redis that is restarted."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from bridge import config
from bridge.commands.exits import USAGE
from bridge.demo.setting import environment
from tests.integration.cuttable import CuttableElsewhere
from tests.integration.world import World, quiet_port, until
from tests.servers import PostgresServer, free_port, redis_server

FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)
SKEWS = ("", "+30s", "-30s") if FAKETIME else ("",)
TAKEN_OVER = "others have taken over campaigns of this daemon"


@dataclass
class Node:
    """A daemon, and what it reaches others by."""

    world: World
    environ: Mapping[str, str]
    to_database: CuttableElsewhere
    to_mirror: CuttableElsewhere
    skew: str = ""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    began_at: int = 0

    async def start(self, *, ready: bool = False) -> None:
        """With its clock as wrong as it is to be."""
        wrong = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": self.skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.world.environ = dict(self.environ) | (wrong if self.skew else {})
        log = self.world.folder / "daemon.log"
        self.began_at = len(self.world.log) if log.exists() else 0
        await self.world.start(ready=ready)

    async def restart(self, *, killed: bool, skew: str) -> None:
        """At once, or in order; its next life has a clock that is so wrong."""
        async with self.turn:
            await (self.world.kill() if killed else self.world.stop())
            self.skew = skew
            await self.start()

    async def stand_still(self, for_s: float) -> None:
        """SIGSTOP, and SIGCONT."""
        async with self.turn:
            assert self.world.daemon is not None
            for number, then_s in ((signal.SIGSTOP, for_s), (signal.SIGCONT, 0.0)):
                os.kill(self.world.daemon.pid, number)
                await asyncio.sleep(then_s)

    async def end(self) -> None:
        """In order, once it is up: the last that befell it may have been a restart."""
        await until(lambda: '"ready"' in self.world.log[self.began_at :])
        assert await self.world.stop() == 0, self.world.log[-3000:]
        before, trace, behind = self.world.log.partition("Traceback")
        assert not trace, before[-1000:] + trace + behind[:5000]

    async def watch(self) -> None:
        """As systemd does: who ended because others went on for it, or the database was away, is started again."""
        while True:
            async with self.turn:
                daemon = self.world.daemon
                if daemon is not None and daemon.returncode is not None:
                    said = self.world.log[self.began_at :]
                    assert daemon.returncode != USAGE, "systemd wouldn't start it again"
                    assert any(reason in said for reason in (TAKEN_OVER, "the database is unavailable")), said[-3000:]
                    await self.start()
            await asyncio.sleep(0.1)


class Redis:
    """A server that can be restarted at its port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
        self.port = free_port()

    def start(self) -> None:
        """At the port that it always has, with nothing in it."""
        self._running.enter_context(redis_server(self._folder, port=self.port))

    def stop(self) -> None:
        """Until it is started again."""
        self._running.close()


@contextmanager
def restartable_redis(folder: Path) -> Iterator[Redis]:
    """One that runs."""
    redis = Redis(folder)
    redis.start()
    try:
        yield redis
    finally:
        redis.stop()


@asynccontextmanager
async def node_of(made: World, number: int, postgres: PostgresServer, redis: Redis) -> AsyncIterator[Node]:
    """One more daemon on what the world has, not started yet, in a folder of its own."""
    mirror = urlsplit(made.devnet.mirror_url)
    async with CuttableElsewhere(postgres.port) as to_database, CuttableElsewhere(mirror.port or 80) as to_mirror:
        own = {
            "daemon.number": number,
            "database.url": f"postgresql://postgres@127.0.0.1:{to_database.port}/postgres",
            "bus.url": f"redis://127.0.0.1:{redis.port}/0",
            "mirror.urls": [f"http://127.0.0.1:{to_mirror.port}"],
            "mirror.streams": False,
            "http.port": quiet_port(),
            "gateway.port": quiet_port(),
        }
        place = made.folder / f"daemon-{number}"
        place.mkdir()
        shutil.copy(made.folder / "api.key", place)
        (place / "config.toml").write_text("")
        environ = dict(made.environ) | environment(own)
        theirs = replace(made, folder=place, config=config.load(None, environ), environ=environ, commands=[])
        try:
            yield Node(theirs, environ, to_database, to_mirror)
        finally:
            await theirs.close()
