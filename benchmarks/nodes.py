"""Measures several daemons: a delivery over Redis, how long that takes, and accepting on SQLite and on PostgreSQL.

In CPU seconds, since the machine's cores are shared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis

from benchmarks._children import Child, asked_once, child, cpu_s, machine
from benchmarks._speakers import CHANNEL
from benchmarks._world import SEES_ALL, Ground, ground
from benchmarks.corridor import day
from benchmarks.fanout import DATA
from bridge.commands.door import api_key_for
from bridge.commands.token import mint
from bridge.demo.account import percentiles
from bridge.demo.setting import HOST
from bridge.gateway.server import PATH
from tests.servers import PostgresServer, postgres_server, redis_server

GATEWAYS = (1, 2, 3)
TICK_S = 1 / os.sysconf("SC_CLK_TCK")  # CPU is counted in these
PAUSE_S = 0.005
WARM_UP = 5
NOTHING_LEAVES: dict[str, Any] = {"budgets.campaign_hbar": 1e-8}
WHAT = {
    "deliveries_per_cpu_s": "of the gateway daemons together, by their number: `serve --roles gateway`, all that "
    "such a daemon does beside included; publications of 512 bytes, the next when all have the last, told to "
    "Redis by a process in the corridors' place, each to all subscribers, who are shared out over the gateways",
    "in_process_per_cpu_s": "the gateway alone, without a daemon around it, where the publications are its own",
    "bus_overhead": "CPU for a delivery over the bus, with one gateway and the teller's with it, above that in "
    "process; median of pairs of turns",
    "redis_us_per_publication": "the server's own CPU, one gateway, in none of the others",
    "bus_ms": "from telling the bus to arrival at a subscriber of a gateway daemon, one subscriber",
    "accepted_per_cpu_s": "events, one a request, 64 clients, of the daemon's CPU; nothing goes to the ledger beside",
    "postgresql_us_per_event": "the server's own CPU, all its processes, on top of that",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many subscribers, publications a turn, turns, publications for the delay, and seconds of accepting."""

    subscribers: int = 1000
    rounds: int = 40
    turns: int = 15
    delays: int = 500
    seconds: float = 8.0


QUICK = Scale(12, 5, 1, 10, 0.5)


@dataclass(frozen=True, slots=True)
class Side:
    """Who publishes, the processes that deliver, and the clients of each."""

    teller: Child
    gateways: list[int]
    clients: list[Child]
    subscribers: int

    async def turn(self, rounds: int) -> tuple[float, float]:
        """CPU seconds of the gateways, and of all that deliver or tell, for so many publications, each when everybody
        has the one before it: a gateway that lags would join several in one write, which is cheaper.

        Raises RuntimeError where the clients didn't get exactly these.
        """
        processes = {*self.gateways, self.teller.process.pid}
        before = {each: cpu_s(each) for each in processes}
        for _ in range(rounds):
            told = await self.teller.ask({"rounds": 1, "burst": 1, "pause_s": 0, "data": DATA})
            wanted = int(told["frame_bytes"]) * (self.subscribers // len(self.clients))
            came = [(await clients.ask({"bytes": wanted}))["bytes"] for clients in self.clients]
            if came != [wanted] * len(self.clients):
                raise RuntimeError(f"{came} bytes came of {wanted} each")
        used_s = {each: cpu_s(each) - before[each] for each in processes}
        return sum(used_s[each] for each in self.gateways), sum(used_s.values())

    async def delays_ms(self, rounds: int) -> list[float]:
        """From telling to the first client's having it."""
        [clients] = self.clients
        await clients.ask({"times": True})
        told = await self.teller.ask({"rounds": rounds, "burst": 1, "pause_s": PAUSE_S, "data": DATA})
        came = await clients.ask({"bytes": rounds * int(told["frame_bytes"])})
        [arrived_ns] = came["times_ns"]
        return [(at_ns - told_ns) / 1e6 for told_ns, at_ns in zip(told["published_ns"], arrived_ns, strict=True)]


@asynccontextmanager
async def in_process(place: Ground, subscribers: int) -> AsyncIterator[Side]:
    """A gateway in the process that publishes."""
    async with child("benchmarks._speakers", "gateway", env=os.environ | place.environ) as speaker:
        port = (await speaker.ask({}))["port"]
        async with child("benchmarks._subscribers") as clients:
            await _let_in(clients, port, subscribers, place)
            yield Side(speaker, [speaker.process.pid], [clients], subscribers)


@asynccontextmanager
async def over_the_bus(place: Ground, subscribers: int, gateways: int) -> AsyncIterator[Side]:
    """So many daemons with the role gateway."""
    async with AsyncExitStack() as stack:
        running, listening = list[int](), list[Child]()
        for number in range(1, gateways + 1):
            daemon = place.beside(number, {"daemon.roles": ["gateway"]}).daemon(ending=signal.SIGKILL)
            run = await stack.enter_async_context(daemon)
            running.append(run.daemon)
            clients = await stack.enter_async_context(child("benchmarks._subscribers"))
            await _let_in(clients, run.config.gateway.port, subscribers // gateways, place)
            listening.append(clients)
        teller = await stack.enter_async_context(child("benchmarks._bus", env=os.environ | place.environ))
        yield Side(teller, running, listening, subscribers)


async def _let_in(clients: Child, port: int, number: int, place: Ground) -> None:
    token = mint(place.config(), "77", role=SEES_ALL, ttl_s=900, now_s=int(time.time()))
    hello = json.dumps({"id": 1, "connect": {"token": token}})
    hello += "\n" + json.dumps({"id": 2, "subscribe": {"channel": CHANNEL}})
    await clients.ask({"port": port, "path": PATH, "hellos": [hello] * number, "until": '"subscribe"'})


async def fan_out(scale: Scale, redis_url: str, database_url: str) -> dict[str, Any]:
    """Over the bus and in process, in turns beside each other."""
    settings = {"gateway.ping_interval_s": 3600, "bus.url": redis_url, "database.url": database_url}
    async with ground(settings=settings) as place:
        found: dict[str, float] = {}
        inside_s, ratios, redis_s = list[float](), list[float](), list[float]()
        async with in_process(place, scale.subscribers) as inside:
            for number in GATEWAYS:
                subscribers = scale.subscribers // number * number
                gateways_s = 0.0
                async with over_the_bus(place, subscribers, number) as outside:
                    for side in (inside, outside):
                        await side.turn(WARM_UP)  # what is left of letting them in isn't measured
                    for _ in range(scale.turns):
                        own_s, _ = await inside.turn(scale.rounds)
                        before_s = _redis_cpu_s(redis_url)
                        delivering_s, whole_s = await outside.turn(scale.rounds)
                        gateways_s += delivering_s
                        inside_s.append(own_s)
                        if number == 1:
                            redis_s.append(_redis_cpu_s(redis_url) - before_s)
                            ratios.append(whole_s / max(own_s, TICK_S))
                found[str(number)] = round(scale.turns * scale.rounds * subscribers / max(gateways_s, TICK_S))
        async with over_the_bus(place, 1, 1) as one:
            delays_ms = await one.delays_ms(scale.delays)
        return {
            "deliveries_per_cpu_s": found,
            "in_process_per_cpu_s": round(
                len(inside_s) * scale.rounds * scale.subscribers / max(sum(inside_s), TICK_S)
            ),
            "bus_overhead": round(median(ratios) - 1, 3),
            "bus_overhead_by_pair": [round(ratio - 1, 3) for ratio in ratios],
            "redis_us_per_publication": round(sum(redis_s) / (scale.turns * scale.rounds) * 1e6, 1),
            "bus_ms": percentiles(delays_ms),
        }


async def accepting(scale: Scale, settings: Mapping[str, Any], server: PostgresServer | None) -> tuple[float, float]:
    """Events for each CPU second of the daemon, and µs of the database server's CPU for each."""
    async with ground(settings=NOTHING_LEAVES | dict(settings)) as place, place.daemon(ending=signal.SIGKILL) as run:
        where = {"host": HOST, "port": run.config.http.port, "api_key": api_key_for(run.config, "events:write")}
        orders = where | {"clients": 64, "seconds": scale.seconds, "changes": day(1000, 50)}
        daemon_s, server_s = run.daemon_cpu_s(), _family_cpu_s(server)
        told = await asked_once("benchmarks._clients", orders)
        daemon_s, server_s = run.daemon_cpu_s() - daemon_s, _family_cpu_s(server) - server_s
        return told["accepted"] / daemon_s, server_s / told["accepted"] * 1e6


async def measure(scale: Scale) -> dict[str, Any]:
    """One after the other: each has the machine."""
    with TemporaryDirectory() as name, redis_server(Path(name)) as redis_url, postgres_server() as server:
        found = await fan_out(scale, redis_url, server.url())
    sqlite, _ = await accepting(scale, {}, None)
    with postgres_server() as server:
        postgresql, server_us = await accepting(scale, {"database.url": server.url()}, server)
    return found | {
        "accepted_per_cpu_s": {"sqlite": round(sqlite), "postgresql": round(postgresql)},
        "postgresql_us_per_event": round(server_us),
        "conditions": {
            "what": WHAT,
            "subscribers": scale.subscribers,
            "publications": scale.turns * scale.rounds,
            "bytes": len(DATA),
            "postgresql": "fsync off: what the disk takes isn't in it",
            **machine(),
        },
    }


def _redis_cpu_s(url: str) -> float:
    """Of the server, all its threads."""
    with Redis.from_url(url) as redis:
        told = redis.info("cpu")
    return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])


def _family_cpu_s(server: PostgresServer | None) -> float:
    """Of a server and of the processes that it has begun, those that have ended too (proc(5), stat)."""
    if server is None or server.process is None:
        return 0.0
    total, own = 0.0, server.process.pid
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            _, parent, *rest = (folder / "stat").read_text().rpartition(")")[2].split()
            if folder.name == str(own):
                total += sum(map(int, rest[9:13])) * TICK_S
            elif int(parent) == own:
                total += sum(map(int, rest[9:11])) * TICK_S
    return total


def main() -> None:
    """`python -m benchmarks.nodes --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = asyncio.run(measure(QUICK if options.quick else Scale()))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
