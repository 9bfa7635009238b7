"""Measures how soon a subscriber sees an event: provisional once it was handed over, confirmed once a mirror has it.

Devnet (with delays like the real network's), daemon on the shipped configuration, backend, subscribers and a process
that only commits run side by side on one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from benchmarks._backlog import door_of, registered
from benchmarks._children import Child, child, machine
from benchmarks._world import SEES_ALL, Ground, World, network_options, site
from benchmarks.corridor import day
from bridge.commands.token import mint
from bridge.demo.account import CONFIRMED, PROVISIONAL, percentiles
from bridge.demo.day import Change, sample_campaigns
from bridge.gateway.server import PATH
from topics.values import parse_timestamp

COMMIT_PAUSE_S = 0.05
BEHIND_S = 5.0  # beyond the network's delays, to listen for what is on its way when the last event was handed over
WHAT = {
    "provisional_ms": "from sending the request, with one event, to each subscriber's having it; the commit is in it",
    "confirmed_ms": "from the time at which the devnet's mirror has the message to each subscriber's having the event",
    "commit_ms": "a row of 100 bytes, SQLite, WAL, synchronous=FULL, on the same disk at the same time, 20 a second",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """The load, and for how many seconds it is on; what comes in the first of them isn't counted.

    The network takes `consensus_ms` and up to `consensus_jitter_ms` more to consensus, and `mirror_ms` to its mirror.
    """

    per_s: float = 200.0
    campaigns: int = 100
    subscribers: int = 1000
    seconds: float = 20.0
    warm_up_s: float = 10.0
    consensus_ms: int = 2900
    consensus_jitter_ms: int = 2000
    mirror_ms: int = 2100

    @property
    def behind_s(self) -> float:
        """How long to listen behind the last event: its campaign may have a frame of many chunks under way."""
        return BEHIND_S + 4 * (self.consensus_ms + self.consensus_jitter_ms + self.mirror_ms) / 1000


QUICK = Scale(
    per_s=40,
    campaigns=4,
    subscribers=8,
    seconds=1.5,
    warm_up_s=0.5,
    consensus_ms=200,
    consensus_jitter_ms=100,
    mirror_ms=100,
)
# What differs from the shipped configuration, addresses, keys and the backend's rate aside.
OWN = {
    "gateway.drain_timeout_s": 0.1,
    "gateway.max_connections_per_user": 20_000,
    "gateway.ping_interval_s": 3600,  # these clients keep what comes and look at it only afterwards
    "topics.creations_per_s": 1000,
}


@dataclass
class Backend:
    """Hands over event after event at its pace, whether or not the door keeps up; knows when each was sent."""

    door: aiohttp.ClientSession
    sent_ns: dict[str, int] = field(default_factory=dict)

    async def run(self, changes: list[Change], per_s: float) -> None:
        """All of them."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.TaskGroup() as group:
            for number, change in enumerate(changes):
                await asyncio.sleep(began_s + number / per_s - loop.time())
                group.create_task(self._post(change))

    async def _post(self, change: Change) -> None:
        sent_ns = time.monotonic_ns()
        async with self.door.post("/v1/events", json=change) as answer:
            answer.raise_for_status()
            [event_id] = (await answer.json())["ids"]
        self.sent_ns[event_id] = sent_ns


async def subscribe(run: World, clients: Child, scale: Scale) -> None:
    """Spread the subscribers over the campaigns."""
    token = mint(run.config, "77", role=SEES_ALL, ttl_s=900, now_s=int(time.time()))
    campaigns = [campaign.id for campaign in sample_campaigns(scale.campaigns)]
    hellos = []
    for number in range(scale.subscribers):
        channel = f"campaign:{campaigns[number % scale.campaigns]}"
        commands = {"connect": {"token": token}}, {"subscribe": {"channel": channel}}
        hellos.append("\n".join(json.dumps({"id": place, **command}) for place, command in enumerate(commands, 1)))
    await clients.ask({"port": run.config.gateway.port, "path": PATH, "hellos": hellos, "until": '"subscribe"'})


async def play(place: Ground, run: World, scale: Scale) -> dict[str, Any]:
    """The load with everyone listening."""
    seconds = scale.warm_up_s + scale.seconds
    changes = day(round(scale.per_s * seconds), scale.campaigns)
    async with door_of(run) as door, child("benchmarks._subscribers") as clients, child("benchmarks._commits") as disk:
        await registered(door, scale.campaigns)
        await subscribe(run, clients, scale)
        backend, cpu_before_s = Backend(door), run.daemon_cpu_s()
        commits, told, _ = await asyncio.gather(
            disk.ask({"folder": str(place.folder), "seconds": seconds, "pause_s": COMMIT_PAUSE_S}),
            clients.ask({"listen_s": seconds + scale.behind_s}),
            backend.run(changes, scale.per_s),
        )
        cpu_s = run.daemon_cpu_s() - cpu_before_s
    counted = list(backend.sent_ns)[round(scale.per_s * scale.warm_up_s) :]
    heard = {event_id: told["heard"].get(event_id, {}) for event_id in counted}
    skew_ns = time.time_ns() - time.monotonic_ns()
    late_ns = scale.mirror_ms * 1_000_000 - skew_ns
    mirror_ns = {event_id: parse_timestamp(at) + late_ns for event_id, at in told["consensus"].items()}
    return {
        "provisional_ms": delays(backend.sent_ns, heard, PROVISIONAL),
        "confirmed_ms": delays(mirror_ns, heard, CONFIRMED),
        "commit_ms": commits,
        "conditions": {
            "what": WHAT,
            "events": len(counted),
            "provisional_deliveries": deliveries(heard, PROVISIONAL),
            "confirmed_deliveries": deliveries(heard, CONFIRMED),
            "daemon_cpu_share": round(cpu_s / (seconds + scale.behind_s), 2),
        },
    }


def delays(began_ns: Mapping[str, int], heard: Mapping[str, Mapping[str, list[int]]], phase: str) -> dict[str, Any]:
    """Percentiles in milliseconds over all deliveries of that phase."""
    return percentiles(
        max(0, at_ns - began_ns[event_id]) / 1e6 for event_id in heard for at_ns in heard[event_id].get(phase, ())
    )


def deliveries(heard: Mapping[str, Mapping[str, list[int]]], phase: str) -> int:
    """How many there were."""
    return sum(len(phases.get(phase, ())) for phases in heard.values())


async def measure(scale: Scale) -> dict[str, Any]:
    """Start everything, measure, stop everything."""
    network = {name: getattr(scale, name) for name in ("consensus_ms", "consensus_jitter_ms", "mirror_ms")}
    with site({}) as place:
        async with place.devnet(*network_options(network)), place.as_shipped(OWN).daemon() as run:
            found = await play(place, run, scale)
    found["conditions"] |= network | {
        "events_per_s": scale.per_s,
        "campaigns": scale.campaigns,
        "subscribers": scale.subscribers,
        "seconds": scale.seconds,
        "settings": OWN,
        **machine(),
    }
    return found


def main() -> None:
    """`python -m benchmarks.latency --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--no-delays", action="store_true", help="consensus and mirror at once: a frame for each event")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    scale = QUICK if options.quick else Scale()
    if options.no_delays:
        scale = replace(scale, consensus_ms=0, consensus_jitter_ms=0, mirror_ms=0)
    found = asyncio.run(measure(scale))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
