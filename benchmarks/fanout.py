"""Measures fan-out: CPU that the gateway uses to bring one publication to one subscriber, beside others that do.

Gateway, peers and the clients of each are processes of their own. All are up and connected together and take turns, so
that whatever else the machine does hits them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks._children import Child, child, machine
from benchmarks._frozen import one_frozen
from benchmarks._speakers import CHANNEL
from benchmarks._store_to_hub import store_to_hub_us
from benchmarks._world import SEES_ALL, Ground, site
from bridge.commands.token import mint
from bridge.demo.keys import make_demo_keys
from bridge.gateway.server import PATH

JS = Path(__file__).resolve().parents[1] / "tests" / "integration" / "js" / "package.json"
DATA = json.dumps({"x": "x" * (512 - len('{"x": ""}'))})
OURS = "us_per_delivery"
SPEAKERS = {
    OURS: ("benchmarks._speakers", "gateway"),
    "floor": ("benchmarks._speakers", "floor"),
    "ws": ("node", str(Path(__file__).with_name("_speaker.mjs")), str(JS)),
    "broadcast": ("benchmarks._speakers", "broadcast"),
}
MODES = {"single": 1, "burst": 16}
PAUSE_S = 0.005
READING_S = 8e-6  # that a client gets for each frame, before the next round
WHAT = {
    OURS: "hub, connections and sockets of the gateway, clients authenticated and subscribed",
    "floor": "a bare send() of the same frame for each client and publication, in Python",
    "ws": "npm ws, client.send(text) in a loop",
    "broadcast": "websockets.broadcast",
    "publication": f"{len(DATA)} bytes; one or {MODES['burst']} of them in one turn of the loop, then a pause",
    "one_frozen": "ms from publishing to arrival at the others, while one client reads, and while it is stopped and "
    "gets 128 KiB with each publication until it is cut; µs of the gateway's CPU from publishing to the last write; "
    "its peak memory; for each pair of turns what the p99 with is of that without",
    "corridor_us_per_publication": "100 events a commit: made, sealed, stored, committed, given to the hub",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many subscribers, how many deliveries make a turn in each mode, and how many turns each speaker has."""

    subscribers: Sequence[int] = (200, 1000, 5000)
    single: int = 60_000
    burst: int = 240_000
    turns: int = 3
    publications: int = 20_000
    frozen: tuple[int, int, int] = (1000, 120, 10)  # subscribers, publications, pairs of turns


QUICK = Scale((20,), 80, 640, 1, 100, (4, 3, 1))


@dataclass
class Pair:
    """A speaker and its clients; the CPU that it used and what it delivered, by mode."""

    speaker: Child
    clients: Child
    subscribers: int
    cpu_s: dict[str, list[float]]
    delivered: dict[str, int]

    async def turn(self, mode: str, deliveries: int) -> None:
        """Send so many frames. Raises RuntimeError where the clients didn't get exactly these."""
        burst = MODES[mode]
        rounds = max(1, deliveries // (self.subscribers * burst))
        pause_s = max(PAUSE_S, self.subscribers * burst * READING_S)
        before_s = self.speaker.cpu_s()
        told = await self.speaker.ask({"rounds": rounds, "burst": burst, "pause_s": pause_s, "data": DATA})
        sent = rounds * burst * self.subscribers
        wanted = sent * int(told["frame_bytes"])
        came = (await self.clients.ask({"bytes": wanted}))["bytes"]
        if came != wanted:
            raise RuntimeError(f"{came} bytes came of {wanted}")
        self.cpu_s[mode].append((self.speaker.cpu_s() - before_s) / sent)
        self.delivered[mode] += sent

    def us(self, mode: str) -> float:
        """CPU for each delivery, over all turns; they are of one length."""
        return round(sum(self.cpu_s[mode]) / len(self.cpu_s[mode]) * 1e6, 2)


@asynccontextmanager
async def pair(name: str, subscribers: int, ground: Ground) -> AsyncIterator[Pair]:
    """A speaker with its clients connected."""
    hello, until = "", ""
    if name == OURS:
        token = mint(ground.config(), "77", role=SEES_ALL, ttl_s=900, now_s=int(time.time()))
        hello = json.dumps({"id": 1, "connect": {"token": token}})
        hello += "\n" + json.dumps({"id": 2, "subscribe": {"channel": CHANNEL}})
        until = '"subscribe"'
    environ = os.environ | ground.environ
    async with child(*SPEAKERS[name], env=environ) as speaker, child("benchmarks._subscribers") as clients:
        port = (await speaker.ask({}))["port"]
        await clients.ask({"port": port, "path": PATH, "hellos": [hello] * subscribers, "until": until})
        await speaker.ask({})  # all are there: what is left of letting them in isn't measured
        yield Pair(speaker, clients, subscribers, defaultdict(list), defaultdict(int))


async def fan_out(subscribers: int, scale: Scale) -> dict[str, Pair]:
    """All speakers with so many subscribers each, in turns."""
    with site({"gateway.ping_interval_s": 3600}) as ground:
        make_demo_keys(ground.folder)
        async with AsyncExitStack() as stack:
            pairs = {name: await stack.enter_async_context(pair(name, subscribers, ground)) for name in SPEAKERS}
            for _ in range(scale.turns):
                for mode in MODES:
                    for each in pairs.values():
                        await each.turn(mode, getattr(scale, mode))
        return pairs


async def measure(scale: Scale) -> dict[str, Any]:
    """Every size, one after the other."""
    corridor_us = await store_to_hub_us(scale.publications)
    found = {str(subscribers): await fan_out(subscribers, scale) for subscribers in scale.subscribers}

    def table(name: str) -> dict[str, dict[str, float]]:
        return {mode: {size: pairs[name].us(mode) for size, pairs in found.items()} for mode in MODES}

    def times_floor(name: str) -> dict[str, dict[str, list[float]]]:
        return {mode: {size: _ratios(pairs, name, mode) for size, pairs in found.items()} for mode in MODES}

    return {
        **{name: table(name) for name in SPEAKERS},
        "corridor_us_per_publication": corridor_us,
        "conditions": {
            "what": WHAT,
            "times_floor_by_turn": {name: times_floor(name) for name in SPEAKERS if name != "floor"},
            "one_frozen": await one_frozen(*scale.frozen, DATA),
            "deliveries": {size: dict(pairs[OURS].delivered) for size, pairs in found.items()},
            **machine(),
        },
    }


def _ratios(pairs: dict[str, Pair], name: str, mode: str) -> list[float]:
    """Each turn against the floor's turn beside it."""
    turns = zip(pairs[name].cpu_s[mode], pairs["floor"].cpu_s[mode], strict=True)
    return [round(own / bare, 3) for own, bare in turns if bare]


def main() -> None:
    """`python -m benchmarks.fanout --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--only", type=int, help="so many subscribers only")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    scale = QUICK if options.quick else Scale()
    if options.only:
        scale = replace(scale, subscribers=(options.only,))
    found = asyncio.run(measure(scale))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
