"""Publishers, a network that misbehaves, and a daemon that is killed at random instants."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.integration.publisher import Publisher
from tests.integration.world import World
from topics.devnet.faults import Fault, Faults
from topics.devnet.settings import DevnetSettings
from topics.devnet.state import NODES

STARTING = 0.15  # of the kills find the daemon before it listens
START_S = 3.0  # about what that takes
BLACKOUT = 0.003  # of the faults, where there are any, outlast a transaction's window at all nodes

NETWORK = DevnetSettings(consensus_delay_s=0.05, mirror_delay_s=0.05)
SETTINGS: dict[str, Any] = {
    "ledger__request_timeout_s": 1.0,
    "ledger__max_attempts": 3,
    "ledger__backoff_max_s": 0.2,
    "ledger__receipt_grace_s": 0.2,
    "ledger__receipt_timeout_s": 5.0,
    "mirror__backoff_initial_s": 0.05,
    "mirror__backoff_max_s": 0.5,
    "events__max_payload_bytes": 5000,
    "publish__max_frame_bytes": 6144,  # more flights, and still chunks
    "publish__retry_initial_s": 0.1,
    "publish__retry_max_s": 0.5,
}

ON_DISK = """
SELECT
  (SELECT count(*) FROM flights WHERE state = 'open'),
  (SELECT count(*) FROM flights f WHERE state = 'open'
    AND EXISTS (SELECT 1 FROM transactions t WHERE t.flight_id = f.id AND t.state = 'settled')),
  (SELECT count(*) FROM entries WHERE state = 'waiting'),
  (SELECT count(*) FROM entries WHERE state = 'submitted'),
  (SELECT count(*) FROM transactions WHERE flight_id IS NULL AND state = 'intended')
"""
FOUND = ("an open flight", "a flight partly on the ledger", "waiting events", "unconfirmed events", "a topic begun")


async def misbehave(faults: Faults, random: Random, *, blackout_s: float | None, seen: Counter[str]) -> None:
    """One fault after the other, some of them together, until cancelled. `blackout_s`: how long all nodes may be away.

    A blackout is counted as such; without a length there is none.
    """
    while True:
        node, few, short_s = random.choice((None, *NODES)), random.randint(1, 6), random.uniform(0.2, 1.2)
        match random.choice(_KINDS):
            case Fault.NODE_DOWN if blackout_s is not None and random.random() < BLACKOUT * len(_KINDS):
                faults.inject(Fault.NODE_DOWN, for_s=blackout_s)
                seen["blackout"] += 1
                await asyncio.sleep(blackout_s)
                continue
            case Fault.NODE_DOWN as kind:
                faults.inject(kind, node=random.choice(NODES), for_s=short_s)
            case Fault.RECEIPTS_EXPIRED as kind:
                faults.inject(kind, node=node, for_s=short_s)
            case (Fault.MIRROR_LAG | Fault.MIRROR_REPLICAS) as kind:
                faults.inject(kind, lag_s=short_s, for_s=short_s)
            case kind if kind in _MIRRORS:
                faults.inject(kind, times=few)
            case kind:
                faults.inject(kind, node=node, times=few)
        seen[kind.value] += 1
        await asyncio.sleep(random.expovariate(1 / 0.6))


_MIRRORS = (
    Fault.MIRROR_UNREACHABLE,
    Fault.MIRROR_TOO_MANY_REQUESTS,
    Fault.MIRROR_UNAVAILABLE,
    Fault.MIRROR_GRPC_DOWN,
    Fault.PAGE_EMPTY,
    Fault.PAGE_REPEATS,
    Fault.STREAM_BREAKS,
    Fault.STREAM_SILENT,
)
_KINDS = (
    Fault.BUSY,
    Fault.BUSY_RECEIPT,
    Fault.LOST_ACKNOWLEDGEMENT,
    Fault.HANG,
    Fault.NODE_DOWN,
    Fault.RECEIPTS_EXPIRED,
    Fault.MIRROR_LAG,
    Fault.MIRROR_REPLICAS,
    *_MIRRORS,
)


@dataclass
class Chaos:
    """One run: how often to kill, and what was seen of it."""

    made: World
    seed: int
    kills: int
    campaigns: int = 4
    pause_s: float = 0.1
    blackout_s: float | None = None
    publishers: list[Publisher] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    began_s: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Kill so often, first a daemon that runs already; then let the publishers end, and a last daemon go on.

        It kills on, up to four times as often, until one kill has found a flight open. No fault stands behind it.
        """
        random, stop = Random(self.seed), asyncio.Event()  # noqa: S311 # to repeat a run
        also = Random(f"{self.seed}-faults")  # noqa: S311 # to repeat a run
        weather = misbehave(self.made.devnet.faults, also, blackout_s=self.blackout_s, seen=self.faults)
        async with asyncio.TaskGroup() as group, _beside(weather):
            for number in range(4 * self.kills):
                if number >= self.kills and self.found["an open flight"]:
                    break
                while len(self.publishers) < max(3, number * self.campaigns // self.kills):
                    campaign = str(len(self.publishers))
                    own = Random(f"{self.seed}-{campaign}")  # noqa: S311 # to repeat a run
                    publisher = Publisher(campaign, self.made, own, self.pause_s)
                    self.publishers.append(publisher)
                    group.create_task(publisher.run(stop), name=f"campaign {campaign}")
                await self._live_and_die(random)
                self._tell(number + 1)
            stop.set()
            self.made.devnet.faults.clear()
            await self.made.start()
        self.made.devnet.faults.clear()  # the last one may have come while the publishers ended

    async def _live_and_die(self, random: Random) -> None:
        listening = random.random() >= STARTING or self.made.daemon is not None
        if self.made.daemon is None:
            await self.made.start(ready=listening)
        daemon = self.made.daemon
        assert daemon is not None
        with suppress(TimeoutError):
            await asyncio.wait_for(daemon.wait(), self._life_s(random, listening=listening))
        assert daemon.returncode is None, f"it died by itself: {self.made.log[-3000:]}"
        await self.made.kill()
        self.found["kills"] += 1
        self.found["kills while starting"] += not listening
        for name, count in zip(FOUND, await asyncio.to_thread(self._on_disk), strict=True):
            self.found[name] += bool(count)

    @staticmethod
    def _life_s(random: Random, *, listening: bool) -> float:
        """Most lives are short, some so long that much is brought to its end."""
        if not listening:
            return random.uniform(0.0, START_S)
        return random.uniform(0.02, 0.8) if random.random() < 0.75 else random.uniform(0.8, 3.0)

    def _on_disk(self) -> tuple[int, ...]:
        """Asked of a copy, so that the next daemon finds the database as the last one left it."""
        database = self.made.folder / "hcs-bridge.db"
        with TemporaryDirectory() as copy:
            for path in (database, database.with_name(f"{database.name}-wal")):
                if path.exists():
                    shutil.copy(path, copy)
            with closing(sqlite3.connect(Path(copy) / database.name)) as connection, suppress(sqlite3.OperationalError):
                return tuple(connection.execute(ON_DISK).fetchone())
        return (0,) * len(FOUND)  # killed before it made its tables

    @property
    def accepted(self) -> int:
        """How many events were answered 202."""
        return sum(len(each.accepted) for each in self.publishers)

    def told(self) -> str:
        """What was seen, as text."""
        failures = sum((each.failures for each in self.publishers), Counter[str]())
        lines = {"kills": self.found, "faults": self.faults, "failed requests": failures}
        took_s = time.monotonic() - self.began_s
        head = f"chaos: seed {self.seed}, {self.accepted} events accepted, {took_s:.0f} s"
        return "\n".join((head, *(f"  {name}: {json.dumps(dict(counts))}" for name, counts in lines.items())))

    def _tell(self, number: int) -> None:
        if number % 25 == 0:
            sys.stderr.write(self.told() + "\n")


@asynccontextmanager
async def _beside(loop: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(loop)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
