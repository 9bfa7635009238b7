"""Measures what clients cost who are connected, authenticated and subscribed, and get nothing: memory, CPU, arrival.

Devnet, daemon and clients are processes of their own. Each client is a user of its own, subscribed to its own channel.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks._children import Child, child, machine
from benchmarks._world import World, ground
from bridge.commands.token import mint
from bridge.gateway.server import PATH

TOKEN_S = 900
WARM_UP = 50  # so that what is loaded and allocated once isn't counted
WHAT = {
    "kb_per_connection": "growth of the daemon's resident memory, by connection; the kernel's share is not in it",
    "cpu_s_per_1000_connections_minute": "user and system, pings and pongs; less what the daemon uses without clients",
    "handshakes_per_core_s": "TCP, WebSocket, token checked, subscribed with a look at the history's top",
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How many connections, held for how many seconds; the daemon alone is watched for a quarter of that."""

    connections: int = 4000
    seconds: float = 60.0


QUICK = Scale(100, 1.0)


def hellos(run: World, numbers: Iterable[int]) -> list[str]:
    """What each client says first."""
    now_s, found = int(time.time()), list[str]()
    for number in numbers:
        token = mint(run.config, f"u{number}", ttl_s=TOKEN_S, now_s=now_s)
        commands = {"connect": {"token": token}}, {"subscribe": {"channel": f"user:u{number}"}}
        found.append("\n".join(json.dumps({"id": place, **command}) for place, command in enumerate(commands, 1)))
    return found


async def arrive(run: World, clients: Child, said: list[str]) -> float:
    """Let them in; the daemon's CPU seconds for it."""
    before_s = run.daemon_cpu_s()
    order = {"port": run.config.gateway.port, "path": PATH, "hellos": said, "until": '"subscribe"'}
    told = await clients.ask(order)
    if told["connected"] != len(said):
        raise RuntimeError(f"{told['connected']} of {len(said)} connected")
    return run.daemon_cpu_s() - before_s


async def resting_cpu_s(run: World, seconds: float) -> float:
    """The daemon's CPU a second, while nothing happens."""
    before_s, began_s = run.daemon_cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    return (run.daemon_cpu_s() - before_s) / (time.monotonic() - began_s)


async def measure(scale: Scale) -> dict[str, Any]:
    """Start everything, measure, stop everything."""
    settings = {"tokens.max_lifetime_s": TOKEN_S, "gateway.drain_timeout_s": 0.1}
    async with ground(settings=settings) as place, place.daemon() as run, child("benchmarks._subscribers") as clients:
        await arrive(run, clients, hellos(run, range(WARM_UP)))
        alone_s = await resting_cpu_s(run, scale.seconds / 4)
        said = hellos(run, range(WARM_UP, WARM_UP + scale.connections))
        before_kb = run.daemon_kb()
        arriving_s = await arrive(run, clients, said)
        grown_kb = run.daemon_kb() - before_kb
        resting_s = await resting_cpu_s(run, scale.seconds) - alone_s
        later_kb = run.daemon_kb() - before_kb
    thousands = scale.connections / 1000
    return {
        "kb_per_connection": round(later_kb / scale.connections, 2),
        "cpu_s_per_1000_connections_minute": round(max(0.0, resting_s) * 60 / thousands, 3),
        "handshakes_per_core_s": round(scale.connections / max(arriving_s, 0.01)),
        "conditions": {
            "what": WHAT,
            "connections": scale.connections,
            "kb_per_connection_at_once": round(grown_kb / scale.connections, 2),
            "handshake_us": round(arriving_s / scale.connections * 1e6),
            "held_s": scale.seconds,
            "ping_interval_s": run.config.gateway.ping_interval_s,
            **machine(),
        },
    }


def main() -> None:
    """`python -m benchmarks.idle --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--connections", type=int, help="so many")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    scale = QUICK if options.quick else Scale()
    if options.connections:
        scale = Scale(options.connections, scale.seconds)
    found = asyncio.run(measure(scale))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
