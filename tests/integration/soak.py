"""A day of campaigns in a loop, clients that come and go, faults of every kind, restarts; then everything is counted.

`python -m tests.integration.soak`: SOAK_S (1800) is for how many seconds, SOAK_SEED what is drawn from. The last line
is one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from bridge.commands.token import mint
from tests.integration.chaos import NETWORK, SETTINGS, misbehave
from tests.integration.day_sent import DaySent, beside, heard_id
from tests.integration.subscriber import Subscriber, subscribed
from tests.integration.test_chaos import left
from tests.integration.world import SEES_ALL, World, until, world

TOKEN_S = 86_400
AWAY_S = 0.5, 5.0
WARM_UP_S = 60.0  # of each life of the daemon, in which its memory may grow
SAMPLE_S = 1.0
MIN_SAMPLES = 10


@dataclass(frozen=True, slots=True)
class Load:
    """For how long, how many clients, how many events a second, and how long a daemon lives."""

    seconds: float
    clients: int = 500
    per_s: float = 40.0
    life_s: tuple[float, float] = (120.0, 600.0)


@dataclass
class Soak:
    """One run, and what was seen of it."""

    made: World
    load: Load
    random: Random
    restarts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    lives: list[list[Sample]] = field(default_factory=lambda: [[]])
    sent: DaySent = field(init=False)

    def __post_init__(self) -> None:
        self.sent = DaySent(lambda: self.made, self.load.per_s)

    async def run(self) -> dict[str, Any]:
        """Everything; what came of it."""
        await self.made.start()
        clients = self._clients(self.sent.campaigns)
        stop = asyncio.Event()
        weather = misbehave(self.made.devnet.faults, self.random, blackout_s=None, seen=self.faults)
        with subscribed(clients), beside(weather, self._sample(), *(self._cut(each) for each in clients)):
            publishing = asyncio.create_task(self.sent.publish(stop))
            await self._restart()
            stop.set()
            await publishing
            self.made.devnet.faults.clear()
        self.made.devnet.faults.clear()
        with subscribed(clients):
            await until(lambda: all(self._is_done(each) for each in clients), deadline_s=300)
        await until(lambda: left(self.made) == 0, deadline_s=300)  # users' events, which nobody here listens to
        assert await self.made.stop() == 0
        return await self._counted(clients) | {"gaps_told": sum(bool(each.lost) for each in clients)}

    def _clients(self, campaigns: Sequence[str]) -> list[Subscriber]:
        token = mint(self.made.config, "77", role=SEES_ALL, ttl_s=TOKEN_S, now_s=int(time.time()))
        return [
            Subscriber(
                self.made.gateway,
                token,
                f"campaign:{self.random.choice(campaigns)}",
                self.random,
                hear=heard_id,
            )
            for _ in range(self.load.clients)
        ]

    def _is_done(self, client: Subscriber) -> bool:
        return len(client.heard) >= len(self.sent.accepted[client.channel])

    async def _cut(self, client: Subscriber) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(1, 60))
            client.cut(self.random.uniform(*AWAY_S))

    async def _restart(self) -> None:
        """One daemon after the other, half of them killed, until the time is over."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + self.load.seconds
        while (left_s := ends_s - loop.time()) > 0:
            await asyncio.sleep(min(left_s, self.random.uniform(*self.load.life_s)))
            if loop.time() < ends_s:
                await (self.made.kill() if self.random.random() < 0.5 else self.made.stop())
                self.lives.append([])
                await self.made.start()
                self.restarts += 1

    async def _sample(self) -> None:
        while True:
            if (daemon := self.made.daemon) is not None and daemon.returncode is None:
                self.lives[-1].append(Sample.of(daemon.pid))
            await asyncio.sleep(SAMPLE_S)

    async def _counted(self, clients: Sequence[Subscriber]) -> dict[str, Any]:
        return await self.sent.compared(self.made, clients) | {
            "restarts": self.restarts,
            "faults": sum(self.faults.values()),
            "rss_slope_kb_per_min": slope(self.lives, "rss_kb"),
            "fd_slope_per_min": slope(self.lives, "descriptors"),
            "db_mb": round(sum(path.stat().st_size for path in self.made.folder.glob("hcs-bridge.db*")) / 1e6, 1),
            "conditions": {
                "seconds": self.load.seconds,
                "clients": self.load.clients,
                "events": self.sent.count,
                "recoveries": sum(each.recoveries for each in clients),
                "faults": dict(self.faults),
                "rss_mb": [round(life[-1].rss_kb / 1000) for life in self.lives if life],
                "cpus": os.cpu_count(),
                "slope": f"least squares within the daemons' lives, each without its first {WARM_UP_S:.0f} s",
            },
        }


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process held at a time."""

    at_s: float
    rss_kb: int
    descriptors: int

    @classmethod
    def of(cls, pid: int) -> Sample:
        """Now."""
        status = Path(f"/proc/{pid}/status").read_text()
        rss_kb = int(status.partition("VmRSS:")[2].split()[0])
        return cls(time.monotonic(), rss_kb, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))


def slope(lives: Sequence[Sequence[Sample]], name: str) -> float | None:
    """By minute, with a level of its own for each life; None where none lasted long enough."""
    above = below = 0.0
    for life in lives:
        kept = [each for each in life if each.at_s - life[0].at_s >= WARM_UP_S]
        if len(kept) >= MIN_SAMPLES:
            middle_s = sum(each.at_s for each in kept) / len(kept)
            middle = sum(getattr(each, name) for each in kept) / len(kept)
            above += sum((each.at_s - middle_s) * (getattr(each, name) - middle) for each in kept)
            below += sum((each.at_s - middle_s) ** 2 for each in kept)
    return round(60 * above / below, 2) if below else None


async def soaked(folder: Path, load: Load, seed: int) -> dict[str, Any]:
    """A run in that folder."""
    own = {"gateway__drain_timeout_s": 1.0, "gateway__max_connections_per_user": 20_000}
    async with world(folder, NETWORK, tokens__max_lifetime_s=TOKEN_S, **SETTINGS, **own) as made:
        found = await Soak(made, load, Random(seed)).run()  # noqa: S311 # to repeat a run
        assert "Traceback" not in made.log, made.log[-3000:]
    found["conditions"]["seed"] = seed
    return found


def main() -> None:
    """As the module says."""
    load = Load(float(os.environ.get("SOAK_S") or 1800))
    seed = int(os.environ.get("SOAK_SEED") or secrets.randbelow(1_000_000))
    with TemporaryDirectory(prefix="hcs-bridge-soak-") as folder:
        sys.stdout.write(json.dumps(asyncio.run(soaked(Path(folder), load, seed))) + "\n")


if __name__ == "__main__":
    main()
