"""Measures the outbound corridor: accepting, sending, confirming, and what an event costs, beside the SDKs' own loops.

The devnet (without delays), the daemon, the clients of its door and each SDK are processes of their own, and run on one
machine. Topics are made before a clock starts. Every clock stops after so many seconds, however much is done by then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import _backlog, _money
from benchmarks._backlog import Load, Progress, door_of, registered
from benchmarks._children import asked_once, machine
from benchmarks._commits import commits
from benchmarks._world import SETTINGS, ground
from benchmarks.corridor import day
from bridge.commands.door import api_key_for
from bridge.demo.day import sample_day
from bridge.demo.setting import HOST

DAY = Path(__file__).resolve().parents[2] / "shared" / "data" / "campaign-day.jsonl"
CLIENTS = (1, 64)
AT_A_TIME = (1, 64)
MESSAGE_BYTES = 224  # a signed frame of one event
LONE = {"publish.max_events_per_frame": 1, "publish.max_flights": 64}

ACCEPTING = "one event a request, keep-alive, answered when on disk; flights leave and are confirmed beside it"
SETTLING = (
    "one event a flight, 64 flights at a time, each of another campaign, from disk to receipt. In it: loading, "
    "sealing, signing, recording, sending, the receipt, settling. Not in it: accepting (done before the daemon was "
    "started again) and confirming (the mirror is away), which with_the_relay_beside has"
)
CONFIRMING = (
    "frames as full as they get, from disk to receipt, mirror, checked and stored; no subscriber; first to last"
)
THROUGH_SDKS = (
    "a message of the same length to one topic: build, sign, execute, get the receipt. hiero-sdk-python in 1 and in 64 "
    "threads, hedera-sdk-py one by one and with 64 futures at a time (pyjnius can't take threads); the better is told"
)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything. State lies `below` (None: the system's temporary folder)."""

    seconds: float = 8.0
    preload_s: float = 30.0
    settled_events: int = 20_000
    confirmed_events: int = 40_000
    campaigns: int = 50
    flights: int = 64
    below: Path | None = None

    def lone(self) -> Load:
        """One event a flight."""
        return Load(self.settled_events, self.flights, self.seconds, self.preload_s)

    def filled(self) -> Load:
        """Frames as full as they get."""
        return Load(self.confirmed_events, self.campaigns, 4 * self.seconds, self.preload_s)


QUICK = Scale(seconds=0.5, preload_s=5.0, settled_events=120, confirmed_events=400, campaigns=4, flights=8)


async def accepting(scale: Scale) -> dict[str, dict[str, Any]]:
    """One event a request; flights leave beside it, as in life. By number of clients."""
    found: dict[str, dict[str, Any]] = {}
    async with ground(below=scale.below) as place, place.daemon(ending=signal.SIGKILL) as run:
        async with door_of(run) as door:
            await registered(door, scale.campaigns)
        where = {"host": HOST, "port": run.config.http.port, "api_key": api_key_for(run.config, "events:write")}
        for clients in CLIENTS:
            changes = day(1000, scale.campaigns)
            orders = where | {"clients": clients, "seconds": scale.seconds, "changes": changes}
            flights, cpu_s = _backlog.count(place.folder, _backlog.SETTLED), run.daemon_cpu_s()
            told = await asked_once("benchmarks._clients", orders)
            cpu_s, seconds, generator_s = run.daemon_cpu_s() - cpu_s, told.pop("seconds"), told.pop("cpu_s")
            found[str(clients)] = {
                "accepted_per_s": round(told["accepted"] / seconds, 1),
                **told,
                "generator_cpu_share": round(generator_s / seconds, 2),
                "daemon_cpu_share": round(cpu_s / seconds, 2),
                "flights_meanwhile": _backlog.count(place.folder, _backlog.SETTLED) - flights,
            }
    return found


async def through_sdks(scale: Scale) -> dict[str, dict[str, Any] | str]:
    """The same submits through each SDK's own loop, by its name, as many at a time as suits it best; or why not."""
    found: dict[str, dict[str, Any] | str] = {}
    async with ground(below=scale.below) as place:
        config = place.config()
        orders = {
            "nodes": {str(node.account): node.address for node in config.network.nodes},
            "operator": str(config.operator.account),
            "key": (place.folder / "operator.key").read_text().splitlines()[1],
            "message": "x" * MESSAGE_BYTES,
            "seconds": scale.seconds,
        }
        for sdk in ("hiero-sdk-python", "hedera-sdk-py"):
            if sdk == "hedera-sdk-py" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
                found[sdk] = "null: there is no java on this machine (Debian: apt-get install default-jre-headless)"
                continue
            ways = [await asked_once("benchmarks._sdks", orders | {"sdk": sdk, "at_a_time": way}) for way in AT_A_TIME]
            found[sdk] = max(ways, key=lambda way: float(way["transactions_per_s"]))
    return found


async def money(scale: Scale, file: Path | None) -> _money.Prices:
    """Of the day in the file, else of a generated one; a sample of it is charged by the devnet, and must agree."""
    if file is None and DAY.exists():
        file = DAY
    changes = sample_day(75, start=datetime.now(UTC)) if file is None else _money.read_day(file)
    found = _money.prices(changes)
    campaign = next(change["campaignId"] for change in changes if change.get("campaignId"))
    story = [change for change in changes if change.get("campaignId") == campaign]
    async with ground(below=scale.below) as place, place.daemon() as run, door_of(run) as door:
        agreed = await _money.charged(run, door, story)
    source = {"day": "generated" if file is None else file.name, "charged_as_estimated": agreed}
    return _money.Prices(found.usd_per_event, found.naive, {**found.conditions, **source})


async def measure(scale: Scale, file: Path | None) -> dict[str, Any]:
    """Everything, one after the other, each on a network and a database of its own."""
    accepted = await accepting(scale)
    async with ground(settings=LONE, below=scale.below) as place:
        settled = await _backlog.settling(place, scale.lone(), relay=False)
    async with ground(settings=LONE, below=scale.below) as place:
        beside = await _backlog.settling(place, scale.lone(), relay=True)
    async with ground(below=scale.below) as place:
        confirmed = await _backlog.confirming(place, scale.filled())
        commit_ms = commits(place.folder, min(2.0, scale.seconds))
    sdks, prices = await through_sdks(scale), await money(scale, file)
    return {
        "accepted_per_s": {clients: told["accepted_per_s"] for clients, told in accepted.items()},
        "confirmed_per_s": confirmed.per_s,
        "transactions_per_s": settled.per_s,
        "cpu_us_per_transaction": settled.cpu_us,
        "usd_per_event": prices.usd_per_event,
        "usd_per_event_naive": prices.naive,
        "commit_ms": commit_ms,
        "vs_hiero_sdk": _ratio(settled, sdks["hiero-sdk-python"]),
        "vs_hedera_sdk_py": _ratio(settled, sdks["hedera-sdk-py"]),
        "conditions": {
            **_machine(),
            "accepting": {"what": ACCEPTING, **accepted},
            "transactions": {"what": SETTLING, **_told(settled), "with_the_relay_beside": _told(beside)},
            "confirming": {"what": CONFIRMING, **_told(confirmed)},
            "commit": "one row of 100 bytes, SQLite, WAL, synchronous=FULL, same filesystem as the daemon's",
            "money": prices.conditions,
            "sdks": {"what": THROUGH_SDKS, **sdks},
        },
    }


def _told(progress: Progress) -> dict[str, Any]:
    return {"per_s": progress.per_s, "daemon_cpu_us_each": progress.cpu_us} | {
        "done": progress.done,
        "seconds": round(progress.seconds, 2),
        "left_when_time_was_up": progress.left,
        "per_s_from_ready": progress.per_s_from_ready,
    }


def _ratio(ours: Progress, theirs: dict[str, Any] | str) -> float | None:
    if isinstance(theirs, str) or not theirs["transactions_per_s"]:
        return None
    return round(ours.per_s / float(theirs["transactions_per_s"]), 2)


def _machine() -> dict[str, Any]:
    return {
        **machine(),
        "devnet_delays_ms": 0,
        "backend": os.environ.get("HCS_BRIDGE_LEDGER__BACKEND", "grpc"),  # its child's CPU isn't in the daemon's
        "settings": SETTINGS,
        "settings_for_transactions": LONE,
    }


def main() -> None:
    """`python -m benchmarks.publish --json`: the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish")
    parser.add_argument("--day", type=Path, help="events as JSON lines, for the prices; else a generated day")
    parser.add_argument("--below", type=Path, help="a folder on the disk to measure; else the temporary one")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="all on one line")
    options = parser.parse_args()
    scale = replace(QUICK if options.quick else Scale(), below=options.below)
    found = asyncio.run(measure(scale, options.day))
    sys.stdout.write(json.dumps(found, indent=None if options.json else 2) + "\n")


if __name__ == "__main__":
    main()
