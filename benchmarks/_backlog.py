"""How fast a daemon works off what waits on disk: accepted while the nodes were down, measured from its next start.

So accepting isn't in the figures. The daemon that accepted is killed; what it had begun goes on with the rest.
"""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks._world import Ground, World
from benchmarks.corridor import day, register
from bridge.commands.door import api_key_for
from bridge.config import Config
from bridge.demo.day import sample_campaigns
from topics.devnet.faults import Fault

BATCH = 500
POLL_S = 0.02
STALLED_S = 60.0
SETTLED = "SELECT count(*) FROM flights WHERE state = 'submitted' AND producer_sequence > 0"
CONFIRMED = "SELECT count(*) FROM entries WHERE state = 'confirmed'"


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done between the first sight of any and the end, which is all done or time up; CPU of the daemon."""

    done: int
    seconds: float
    cpu_s: float
    left: int
    per_s_from_ready: float
    """The rate over the whole, with the time until the first."""
    peak_kb: int
    """The daemon's resident memory, at its most."""

    @property
    def per_s(self) -> float:
        """The rate."""
        return round(self.done / self.seconds, 1)

    @property
    def cpu_us(self) -> int:
        """CPU for each."""
        return round(self.cpu_s / max(1, self.done) * 1e6)


@dataclass(frozen=True, slots=True)
class Load:
    """How much is put on disk beforehand, how long that may take, and how long is measured."""

    events: int
    campaigns: int
    seconds: float
    preload_s: float


def door_of(run: World) -> aiohttp.ClientSession:
    """A backend's way in; close it."""
    return aiohttp.ClientSession(
        run.http, headers={"Authorization": f"Bearer {api_key_for(run.config, 'events:write')}"}
    )


async def registered(door: aiohttp.ClientSession, campaigns: int) -> None:
    """Give so many sample campaigns their topics."""
    await asyncio.gather(*(register(door, made.id, made.owner_id) for made in sample_campaigns(campaigns)))


async def preload(found: Ground, load: Load) -> int:
    """Leave events on disk that no node has seen; how many. Nobody runs behind it, and the nodes are up again."""
    async with found.daemon(ending=signal.SIGKILL) as run, door_of(run) as door:
        await registered(door, load.campaigns)
        await fault(run.config, Fault.NODE_DOWN)
        waiting = await _accepted(door, day(load.events, load.campaigns), load.preload_s)
    await fault(run.config, Fault.NODE_DOWN, clear=True)
    return waiting


async def _accepted(door: aiohttp.ClientSession, changes: Sequence[dict[str, Any]], seconds: float) -> int:
    end, accepted = time.monotonic() + seconds, 0
    while accepted < len(changes) and time.monotonic() < end:
        batch = changes[accepted : accepted + BATCH]
        async with door.post("/v1/events", json=batch) as answer:
            answer.raise_for_status()
        accepted += len(batch)
    return accepted


async def settling(found: Ground, load: Load, *, relay: bool, before: Ground | None = None) -> Progress:
    """Flights from disk to their receipts; without `relay` the mirror is away, and nothing is read and confirmed.

    `before` is the ground as it is while they are put there, if it is another.
    """
    waiting = await preload(before or found, load)
    async with found.daemon(ending=signal.SIGKILL) as run:
        if not relay:
            for side in (Fault.MIRROR_UNREACHABLE, Fault.MIRROR_GRPC_DOWN):
                await fault(run.config, side)
        return await _watched(run, lambda: count(found.folder, SETTLED), waiting, load.seconds)


async def confirming(found: Ground, load: Load) -> Progress:
    """Events from disk to confirmed, checked and stored."""
    waiting = await preload(found, load)
    async with found.daemon(ending=signal.SIGKILL) as run:
        return await _watched(run, lambda: count(found.folder, CONFIRMED), waiting, load.seconds)


async def _watched(run: World, done: Callable[[], int], whole: int, seconds: float) -> Progress:
    at_start, ready = done(), time.perf_counter()
    while (first := done()) == at_start:
        if time.perf_counter() > ready + STALLED_S:
            raise TimeoutError(f"nothing was done in {STALLED_S:.0f} s")
        await asyncio.sleep(POLL_S)
    began, cpu_before_s, last, peak_kb = time.perf_counter(), run.daemon_cpu_s(), first, run.daemon_kb()
    while last < whole and time.perf_counter() < began + seconds:
        await asyncio.sleep(POLL_S)
        last, peak_kb = done(), max(peak_kb, run.daemon_kb())
    end, cpu_s = time.perf_counter(), run.daemon_cpu_s() - cpu_before_s
    whole_rate = round((last - at_start) / (end - ready), 1)
    return Progress(last - first, max(end - began, POLL_S), cpu_s, whole - last, whole_rate, peak_kb)


def count(folder: Path, query: str) -> int:
    """One number out of the daemon's database, read beside it."""
    with closing(sqlite3.connect(f"file:{folder / 'hcs-bridge.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute(query).fetchone()[0])


async def fault(config: Config, kind: Fault, *, clear: bool = False) -> None:
    """Let the devnet fail so from now on, or no more."""
    at = config.mirror.urls[0] + "/devnet/faults"
    async with aiohttp.ClientSession() as session:
        if clear:
            async with session.delete(at, params={"fault": kind.value}) as answer:
                answer.raise_for_status()
            return
        async with session.post(at, json={"fault": kind.value}) as answer:
            answer.raise_for_status()
