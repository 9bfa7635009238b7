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
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from bridge.commands.token import mint
from bridge.demo.day import sample_day
from tests.integration.chaos import NETWORK, SETTINGS, misbehave
from tests.integration.opened_ledger import opened_topics
from tests.integration.subscriber import Subscriber, subscribed
from tests.integration.test_chaos import left
from tests.integration.world import SEES_ALL, World, until, world
from tests.recorded import DATA

TOKEN_S = 86_400
AT_ONCE = 10  # events a request
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
    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # ids that got 202, by channel
    restarts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    lives: list[list[Sample]] = field(default_factory=lambda: [[]])

    async def run(self) -> dict[str, Any]:
        """Everything; what came of it."""
        lines = day()
        await self.made.start()
        clients = self._clients(sorted({line["campaignId"] for line in lines if line.get("campaignId")}))
        stop = asyncio.Event()
        weather = misbehave(self.made.devnet.faults, self.random, blackout_s=None, seen=self.faults)
        with subscribed(clients), beside(weather, self._sample(), *(self._cut(each) for each in clients)):
            publishing = asyncio.create_task(self._publish(lines, stop))
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
                hear=lambda data: str(data["meta"]["id"]),
            )
            for _ in range(self.load.clients)
        ]

    def _is_done(self, client: Subscriber) -> bool:
        return len(client.heard) >= len(self.accepted[client.channel])

    async def _publish(self, lines: Sequence[Mapping[str, Any]], stop: asyncio.Event) -> None:
        """The day, again and again; each request until it is answered 202."""
        loop, number = asyncio.get_running_loop(), 0
        began_s = loop.time()
        while not stop.is_set():
            some = [lines[(number + place) % len(lines)] for place in range(AT_ONCE)]
            body = [{name: value for name, value in line.items() if value is not None} for line in some]
            for line, id_ in zip(some, await self._until_accepted(body, f"soak-{number}"), strict=True):
                self.accepted[line["to"] or f"campaign:{line['campaignId']}"].append(id_)
            number += AT_ONCE
            await asyncio.sleep(began_s + number / self.load.per_s - loop.time())

    async def _until_accepted(self, body: object, key: str) -> list[str]:
        while True:
            try:
                status, answer = await self.made.post("/v1/events", body, Idempotency_Key=key)
            except (aiohttp.ClientError, OSError):
                status, answer = 503, {}
            if status == 202:
                return list(answer["ids"])
            assert status == 503, answer
            await asyncio.sleep(0.1)

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
        """What is on the ledger and what clients heard, against what was accepted."""
        found = defaultdict(list)
        for ref, topic in (await opened_topics(self.made)).items():
            for id_, user, _ in topic.said:
                found[f"campaign:{ref}" if user is None else f"user:{user}"].append(id_)
        pairs = [(ids, found[channel]) for channel, ids in self.accepted.items()]
        pairs += [(self.accepted[each.channel], each.heard) for each in clients]
        lost = sum(len(set(said) - set(heard)) for said, heard in pairs)
        doubled = sum(len(heard) - len(set(heard)) for _, heard in pairs)
        channels = [channel for channel in self.accepted if channel.startswith("campaign:")]
        disordered = [channel for channel in channels if found[channel] != self.accepted[channel]]
        disordered += [each.channel for each in clients if each.heard != self.accepted[each.channel]]
        return {
            "lost": lost,
            "doubled": doubled,
            "out_of_order": len(disordered),
            "restarts": self.restarts,
            "faults": sum(self.faults.values()),
            "rss_slope_kb_per_min": slope(self.lives, "rss_kb"),
            "fd_slope_per_min": slope(self.lives, "descriptors"),
            "db_mb": round(sum(path.stat().st_size for path in self.made.folder.glob("hcs-bridge.db*")) / 1e6, 1),
            "conditions": {
                "seconds": self.load.seconds,
                "clients": self.load.clients,
                "events": sum(map(len, self.accepted.values())),
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


def day() -> list[dict[str, Any]]:
    """The recorded day, where it is beside the checkout; else the demo's."""
    recording = DATA / "campaign-day.jsonl"
    if recording.exists():
        return [json.loads(line) for line in recording.read_text().splitlines()]
    return [{"to": None, **change} for change in sample_day(12, start=datetime.now(UTC))]


@contextmanager
def beside(*loops: Any) -> Iterator[None]:
    """All of them run beside the block."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


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
