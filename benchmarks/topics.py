"""Measures the inbound corridor over very many topics, few of them awake: lag, requests to the mirror, memory.

The devnet, whose mirror answers 429 above 50 requests a second, and the daemons are processes of their own; the backend
and the clients share this one. A daemon without a pace makes the topics and reads their manifests. What is measured are
daemons on the shipped configuration behind it: one while topics are awake and after, one without streams.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks._backlog import count, door_of
from benchmarks._world import World, site, until
from benchmarks.corridor import Heard, day, latencies, listen, publish
from bridge.demo.day import sample_campaigns

MIRROR_MS = 2100
MIRROR_MAX_REQUESTS_PER_S = 50
STEPS = 5  # in which topics are made
SENDINGS_PER_S = 10
STALLED_S = 60.0
TWICE_S = 1.0  # how long is listened for what comes twice
READ = "SELECT count(*) FROM positions WHERE opened_sequence > 0"
UNBOOKED = "SELECT count(*) FROM transactions WHERE flight_id IS NULL AND status = 'SUCCESS' AND fee_tinybar IS NULL"

AWAKE = "a message a second to each topic that is awake, all 100 ms those of a tenth of them; a client for each"
LAG = "from when the devnet's mirror may show a message (mirror_ms after consensus) to when the client has it confirmed"
MEMORY = "resident memory of the daemon that makes and reads the topics, from a fifth of them to all, for each of those"


@dataclass(frozen=True, slots=True)
class Scale:
    """How many topics there are, how many of them are awake, for how long, and how long all are asleep."""

    topics: int = 10_000
    awake: int = 100
    seconds: float = 60.0
    asleep_s: float = 150.0  # longer than mirror.stream_idle_s, when REST is asked about silent streams


@dataclass(frozen=True, slots=True)
class Asked:
    """What the daemon had done by some time: its CPU seconds, and what it asked of the mirror."""

    at_s: float
    cpu_s: float
    requests: int
    limited: int

    @classmethod
    async def by_now(cls, run: World) -> Asked:
        """Up to now."""
        row, cpu_s = await mirror(run), run.daemon_cpu_s()
        return cls(time.perf_counter(), cpu_s, row["requests"], row["limited"])

    async def since(self, run: World) -> dict[str, Any]:
        """What came from then to now."""
        now = await self.by_now(run)
        seconds = now.at_s - self.at_s
        return {
            "seconds": round(seconds, 1),
            "requests_per_s": round((now.requests - self.requests) / seconds, 2),
            "answered_429": now.limited - self.limited,
            "daemon_cpu_share": round((now.cpu_s - self.cpu_s) / seconds, 2),
        }


async def mirror(run: World) -> dict[str, Any]:
    """What the devnet's mirror says of itself."""
    async with (
        aiohttp.ClientSession(run.config.mirror.urls[0]) as session,
        session.get("/devnet/mirrors") as answer,
    ):
        [row] = (await answer.json())["mirrors"]
        return dict(row)


async def fill(run: World, folder: Path, topics: int) -> dict[int, int]:
    """Register so many campaigns, and have their topics made and read; the daemon's kilobytes by how many it has."""
    campaigns, grown = sample_campaigns(topics), dict[int, int]()
    steps = [topics * step // STEPS for step in range(STEPS + 1)]
    async with door_of(run) as door:
        for begun, wanted in pairwise(steps):
            for made in campaigns[begun:wanted]:
                async with door.post("/v1/campaigns", json={"id": made.id, "ownerId": made.owner_id}) as answer:
                    answer.raise_for_status()
            await until(partial(has_made, folder, wanted), "making topics")
            grown[wanted] = run.daemon_kb()
    return grown


def has_made(folder: Path, topics: int) -> bool:
    """Whether the daemon has read so many topics and knows what they cost, which it would ask for later."""
    return count(folder, READ) >= topics and count(folder, UNBOOKED) == 0


async def listened(run: World, scale: Scale, *, streams: bool) -> dict[str, Any]:
    """Let some topics be awake for a while, each with a client; what became of their messages."""
    heard, names = Heard(), [f"campaign:{made.id}" for made in sample_campaigns(scale.awake)]
    clients = asyncio.gather(*(listen(run, [name], heard) for name in names))
    try:
        await until(lambda: clients.done() or heard.subscribed == scale.awake, "subscribing")
        if streams:
            await until(lambda: followed(run, scale.awake), "opening streams")
        async with door_of(run) as door:
            sending = asyncio.create_task(sent(door, scale))
            await until(lambda: clients.done() or bool(heard.confirmed_ns), "confirming")
            before = await Asked.by_now(run)
            posted_ns = await sending
        with suppress(TimeoutError):  # what isn't there by then is lost
            async with asyncio.timeout(STALLED_S):
                await until(lambda: clients.done() or len(heard.confirmed_ns) >= len(posted_ns), "confirming")
        meanwhile = await before.since(run)
        await asyncio.sleep(TWICE_S)
    finally:
        clients.cancel()
        with suppress(asyncio.CancelledError):
            await clients  # what ended it earlier is raised here
    on_mirror_ns = {id_: ns + MIRROR_MS * 1_000_000 for id_, ns in heard.consensus_ns.items()}
    lag_ms = latencies(on_mirror_ns, heard.confirmed_ns)
    return {
        "sent": len(posted_ns),
        "lost": len(posted_ns.keys() - heard.confirmed_ns.keys()),
        "doubled": heard.confirmed - len(heard.confirmed_ns),
        "lag_s": {name: None if ms is None else round(ms / 1000, 3) for name, ms in lag_ms.items()},
        **meanwhile,
        "daemon_mb": run.daemon_kb() // 1024,
    }


async def followed(run: World, topics: int) -> bool:
    """Whether so many streams are open."""
    return bool((await mirror(run))["streams"] >= topics)


async def sent(door: aiohttp.ClientSession, scale: Scale) -> dict[str, int]:
    """A message a second to each topic that is awake, evenly; when each was sent, by its id."""
    changes = day(round(scale.awake * scale.seconds), scale.awake)
    posted_ns: dict[str, int] = {}
    began = time.perf_counter()
    for turn in range(round(scale.seconds * SENDINGS_PER_S)):
        await asyncio.sleep(max(0.0, began + turn / SENDINGS_PER_S - time.perf_counter()))
        first, end = (each * scale.awake // SENDINGS_PER_S for each in (turn, turn + 1))
        posted_ns |= await publish(door, changes[first:end])
    return posted_ns


async def measure(scale: Scale) -> dict[str, Any]:
    """Everything, one after the other, over the same topics."""
    load_before = os.getloadavg()[0]
    with site({"mirror.streams": False}) as place:
        started = time.perf_counter()
        async with place.devnet(), place.daemon() as run:
            grown = await fill(run, place.folder, scale.topics)
        filling_s = time.perf_counter() - started
        async with place.devnet("--mirror-ms", str(MIRROR_MS), *limited()):
            async with place.as_shipped({"mirror.streams": True}).daemon() as run:
                started_mb = run.daemon_kb() // 1024
                awake = await listened(run, scale, streams=True)
                before = await Asked.by_now(run)
                await asyncio.sleep(scale.asleep_s)
                asleep = await before.since(run) | {"daemon_mb": run.daemon_kb() // 1024}
            async with place.as_shipped({"mirror.streams": False}).daemon() as run:
                rest_only = await listened(run, scale, streams=False)
    (few, few_kb), *_, (most, most_kb) = grown.items()
    return {
        "lost": awake["lost"] + rest_only["lost"],
        "doubled": awake["doubled"] + rest_only["doubled"],
        "lag_s": awake["lag_s"],
        "requests_per_s_awake": awake["requests_per_s"],
        "requests_per_s_asleep": asleep["requests_per_s"],
        "kb_per_sleeping_topic": round((most_kb - few_kb) / (most - few), 2),
        "lag_s_rest_only": rest_only["lag_s"],
        "conditions": {
            "topics": scale.topics,
            "awake": {"what": AWAKE, "topics": scale.awake, **awake},
            "asleep": asleep,
            "rest_only": rest_only,
            "lag": LAG,
            "memory": {
                "what": MEMORY,
                "mb_by_topics": {topics: kb // 1024 for topics, kb in grown.items()},
                "shipped_daemon_mb_at_its_start": started_mb,
            },
            "settings": "shipped; addresses, keys and the backend's rate aside",
            "devnet": {
                "consensus_ms": 0,
                "mirror_ms": MIRROR_MS,
                "mirror_max_requests_per_s": MIRROR_MAX_REQUESTS_PER_S,
            },
            "making_the_topics_s": round(filling_s, 1),
            "cpus": os.cpu_count(),
            "machine": platform.machine(),
            "python": platform.python_version(),
            "load_1min": {"before": round(load_before, 2), "behind": round(os.getloadavg()[0], 2)},
        },
    }


def limited() -> tuple[str, str]:
    """The devnet's option."""
    return "--mirror-max-requests-per-s", str(MIRROR_MAX_REQUESTS_PER_S)


def main() -> None:
    """`python -m benchmarks.topics --json`: the last line is one JSON object."""
    usual = Scale()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.topics")
    parser.add_argument("--topics", type=int, default=usual.topics)
    parser.add_argument("--awake", type=int, default=usual.awake)
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="awake, with streams and without")
    parser.add_argument("--asleep-seconds", type=float, default=usual.asleep_s)
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = asyncio.run(measure(Scale(options.topics, options.awake, options.seconds, options.asleep_seconds)))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
