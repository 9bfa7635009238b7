"""Measures what `publish.max_flights` lets through on a network that takes its seconds, in what CPU and memory.

Devnet (with delays like the real network's) and daemon run side by side on one machine, the daemon on the shipped
configuration but for that key. What it sends waits on disk before it starts, one event a frame.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

from benchmarks._backlog import Load, settling
from benchmarks._children import machine
from benchmarks._world import network_options, site
from bridge.config_sections import Publish

OWN: dict[str, Any] = {
    "publish.max_events_per_frame": 1,
    "topics.creations_per_s": 1000,
    "topics.max_creations": 1000,  # before a clock starts
}


@dataclass(frozen=True, slots=True)
class Scale:
    """The bounds to try, and how much waits for each."""

    bounds: tuple[int, ...] = (32, 128, Publish().max_flights, 1_000)
    events_per_flight: int = 12
    campaigns: int = 1_200
    seconds: float = 40.0
    consensus_ms: int = 2_900
    consensus_jitter_ms: int = 2_000
    mirror_ms: int = 2_100

    def load(self, bound: int) -> Load:
        """What waits."""
        return Load(bound * self.events_per_flight, self.campaigns, self.seconds, preload_s=60.0)


QUICK = Scale(
    bounds=(4, 8), events_per_flight=25, campaigns=16, seconds=2.0, consensus_ms=0, consensus_jitter_ms=0, mirror_ms=0
)


async def measure(scale: Scale) -> dict[str, Any]:
    """Each bound on a network and a database of its own."""
    network = {name: getattr(scale, name) for name in ("consensus_ms", "consensus_jitter_ms", "mirror_ms")}
    found: dict[str, dict[str, float]] = {}
    for bound in scale.bounds:
        with site({}) as place:
            async with place.devnet(*network_options(network)):
                bounded, free = (
                    place.as_shipped(OWN | {"publish.max_flights": each}) for each in (bound, scale.campaigns)
                )
                progress = await settling(bounded, scale.load(bound), relay=True, before=free)
        found[str(bound)] = {
            "flights_per_s": progress.per_s,
            "cpu_us_per_flight": progress.cpu_us,
            "peak_mb": round(progress.peak_kb / 1024, 1),
        }
    return {
        "by_max_flights": found,
        "conditions": {
            "what": "one event a flight, from disk to receipt, the relay beside; first to last, or to time up",
            **network,
            "campaigns": scale.campaigns,
            "seconds": scale.seconds,
            "settings": OWN,
            **machine(),
        },
    }


def main() -> None:
    """`python -m benchmarks.flights --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flights")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    found = asyncio.run(measure(QUICK if options.quick else Scale()))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
