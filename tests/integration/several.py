"""Three daemons on one PostgreSQL, and what befalls such machines: killed, stopped, cut off, their clocks wrong.

`python -m tests.integration.several`: SEVERAL_FAULTS (100) is how much befalls them, SEVERAL_SEED what it is drawn
from. The last line is one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from bridge.commands.token import mint
from bridge.database import Database
from tests.integration.chaos import NETWORK, SETTINGS
from tests.integration.day_sent import DaySent, beside, heard_id
from tests.integration.nodes import SKEWS, Node, Redis, node_of, restartable_redis
from tests.integration.shared_record import left_in, tenures_in
from tests.integration.subscriber import Subscriber, subscribed
from tests.integration.world import SEES_ALL, World, until, world
from tests.servers import PostgresServer, postgres_server

TOKEN_S = 86_400
TTL_S = 3.0
DRAIN_S = 60.0
CLOCK = "clock wrong"
SILENT = ("no database, silently", "no mirror, silently")
OWN: dict[str, Any] = {
    "lease__ttl_s": TTL_S,
    "database__busy_timeout_s": 3.0,
    "bus__poll_interval_s": 0.3,
    "bus__timeout_s": 1.0,
    "bus__reconnect_max_s": 0.5,
    "gateway__drain_timeout_s": 1.0,
    "gateway__max_connections_per_user": 20_000,
    "tokens__max_lifetime_s": TOKEN_S,
}


@dataclass(frozen=True, slots=True)
class Load:
    """How much befalls them, how many clients listen, how many events a second come."""

    faults: int
    clients: int = 2000
    per_s: float = 40.0
    daemons: int = 3


@dataclass
class Several:
    """One run, and what was seen of it."""

    made: World
    nodes: Sequence[Node]
    postgres: PostgresServer
    redis: Redis
    load: Load
    random: Random
    seen: Counter[str] = field(default_factory=Counter)
    sent: DaySent = field(init=False)
    fallen: AssertionError | None = None
    """What a daemon ended of, if it was none of what befell it."""

    def __post_init__(self) -> None:
        self.sent = DaySent(lambda: self.random.choice(self.nodes).world, self.load.per_s, patience_s=5.0)

    async def run(self) -> dict[str, Any]:
        """Everything; what came of it."""
        for node in self.nodes:
            await node.start(ready=True)
        clients, stop = self._clients(), asyncio.Event()
        began_s = time.monotonic()
        with beside(*(self._watched(node) for node in self.nodes)):
            with subscribed(clients):
                publishing = asyncio.create_task(self.sent.publish(stop))
                while self._befallen < self.load.faults:
                    self._check()
                    await asyncio.sleep(self.random.expovariate(1 / 1.5))
                    await self._befall()
                stop.set()
                await publishing
                took_s = time.monotonic() - began_s
                await self._all_done(clients)
            seen = await self._settled()
        compared = await self.sent.compared(self.made, clients)
        return (
            compared
            | seen
            | {
                "gaps_told": sum(bool(each.lost) for each in clients),
                "faults": self._befallen,
                "conditions": {
                    "daemons": self.load.daemons,
                    "clients": self.load.clients,
                    "events": self.sent.count,
                    "seconds": round(took_s),
                    "recoveries": sum(each.recoveries for each in clients),
                    "faults": dict(self.seen),
                    "cpus": os.cpu_count(),
                },
            }
        )

    async def _watched(self, node: Node) -> None:
        try:
            await node.watch()
        except AssertionError as error:
            self.fallen = error

    def _check(self) -> None:
        if self.fallen is not None:
            raise self.fallen

    @property
    def _befallen(self) -> int:
        """A wrong clock comes with a restart, and isn't counted for itself."""
        return sum(number for kind, number in self.seen.items() if kind != CLOCK)

    def _clients(self) -> list[Subscriber]:
        token = mint(self.made.config, "77", role=SEES_ALL, ttl_s=TOKEN_S, now_s=int(time.time()))
        first, *others = (node.world.gateway for node in self.nodes)
        channels = [f"campaign:{campaign}" for campaign in self.sent.campaigns]
        return [
            Subscriber(first, token, self.random.choice(channels), self.random, hear=heard_id, others=others)
            for _ in range(self.load.clients)
        ]

    def _is_done(self, client: Subscriber) -> bool:
        return len(client.heard) >= len(self.sent.accepted[client.channel])

    async def _all_done(self, clients: Sequence[Subscriber]) -> None:
        try:
            await until(lambda: all(self._is_done(each) for each in clients), deadline_s=DRAIN_S)
        except AssertionError:
            self._check()
            lacking = [each for each in clients if not self._is_done(each)]
            told = {
                each.channel: (len(each.heard), len(self.sent.accepted[each.channel]), each.live, each.lost, each.url)
                for each in lacking
            }
            raise AssertionError(f"{len(lacking)} clients lack something: {told}") from None

    async def _befall(self) -> None:
        """One thing, to its end: so that what a majority could not survive doesn't come about."""
        node, short_s, long_s = self.random.choice(self.nodes), self.random.uniform(0.2, 1.0), TTL_S * 1.5
        kind = self.random.choice(
            (
                "killed",
                "ended",
                "stopped",
                "Redis restarted",
                "PostgreSQL restarted",
                "no database",
                "no mirror",
                *SILENT,
            )
        )
        match kind:
            case "killed" | "ended":
                await node.restart(killed=kind == "killed", skew=(skew := self.random.choice(SKEWS)))
                self.seen[CLOCK] += bool(skew)
            case "stopped":
                await node.stand_still(self.random.choice((short_s, long_s)))
            case "Redis restarted":
                await asyncio.to_thread(self.redis.stop)
                await asyncio.sleep(short_s)
                await asyncio.to_thread(self.redis.start)
            case "PostgreSQL restarted":
                await asyncio.to_thread(self.postgres.kill)
                await asyncio.sleep(self.random.choice((short_s, long_s)))
                await asyncio.to_thread(self.postgres.start)
            case _:
                way = node.to_mirror if kind.startswith("no mirror") else node.to_database
                (way.stall if kind in SILENT else way.cut)()
                await asyncio.sleep(self.random.choice((short_s, long_s)))
                way.mend()
        self.seen[kind] += 1

    async def _settled(self) -> dict[str, Any]:
        """Once nothing is left to do: what the database says of the run."""
        database = Database(self.made.config.database)
        try:
            async with asyncio.timeout(300):
                while await database.read(left_in):  # noqa: ASYNC110 # of another process
                    await asyncio.sleep(0.1)
            return await database.read(tenures_in)
        finally:
            await database.close()


@asynccontextmanager
async def several(folder: Path, load: Load, seed: int, **settings: Any) -> AsyncIterator[Several]:
    """All that a run needs; nothing of it is started but the servers. `settings`: as of `world`."""
    with postgres_server() as postgres, restartable_redis(folder) as redis:
        async with (
            world(folder, NETWORK, **SETTINGS, **OWN, **settings, database__url=postgres.url()) as made,
            AsyncExitStack() as stack,
        ):
            numbers = range(load.daemons)
            nodes = [await stack.enter_async_context(node_of(made, number, postgres, redis)) for number in numbers]
            yield Several(made, nodes, postgres, redis, load, Random(seed))  # noqa: S311 # to repeat a run


async def survived(folder: Path, load: Load, seed: int) -> dict[str, Any]:
    """A run in that folder."""
    async with several(folder, load, seed) as made:
        found = await made.run()
        for node in made.nodes:
            await node.end()
    found["conditions"]["seed"] = seed
    return found


def main() -> None:
    """As the module says."""
    load = Load(int(os.environ.get("SEVERAL_FAULTS") or 100))
    seed = int(os.environ.get("SEVERAL_SEED") or secrets.randbelow(1_000_000))
    with TemporaryDirectory(prefix="hcs-bridge-several-") as folder:
        sys.stdout.write(json.dumps(asyncio.run(survived(Path(folder), load, seed))) + "\n")


if __name__ == "__main__":
    main()
