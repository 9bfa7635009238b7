"""What waits, waits on disk: the daemon's memory doesn't grow with the number of events that wait or went through.

MEMORY_EVENTS (200000) is how many the long form sends, half of them while no node answers.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.world import World, world
from topics.devnet.faults import Fault

MB = 1 << 20
LIMIT_MB = 20.0
SHORT_LIMIT_MB = 15.0
DEADLINE_S = 3600.0
CAMPAIGNS = 50
BATCH = 250
QUICK: dict[str, Any] = {"publish__retry_initial_s": 0.1, "publish__retry_max_s": 0.5, "topics__creations_per_s": 1000}


@dataclass
class Memory:
    """What the daemon holds in memory, looked at again and again."""

    pid: int
    samples: list[tuple[float, float]] = field(default_factory=list)

    def now_mb(self) -> float:
        """The resident set, in MB (proc(5), statm, field 2)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / MB

    async def watch(self) -> None:
        """Look four times a second, until cancelled."""
        while True:
            self.samples.append((time.monotonic(), self.now_mb()))
            await asyncio.sleep(0.25)

    def highest_since(self, began_s: float) -> float:
        """In MB, of the samples from then on."""
        return max([mb for at_s, mb in self.samples if at_s >= began_s], default=0.0)


@asynccontextmanager
async def watched(made: World) -> AsyncIterator[Memory]:
    """The daemon's memory is looked at beside the block."""
    assert made.daemon is not None
    memory = Memory(made.daemon.pid)
    watching = asyncio.create_task(memory.watch())
    try:
        yield memory
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


class Sender:
    """One backend that sends in batches, to all campaigns in turn."""

    def __init__(self, made: World) -> None:
        self._made = made
        self.devnet = made.devnet
        self.sent = 0

    async def send(self, count: int, *, text_bytes: int = 0) -> None:
        """So many more events, each with so much text, all accepted when this returns."""
        text = "x" * text_bytes
        key = (self._made.folder / "api.key").read_text().splitlines()[1]
        headers = {"Authorization": f"Bearer {key}"}
        async with aiohttp.ClientSession(self._made.http, headers=headers) as door:
            for begin in range(self.sent, self.sent + count, BATCH):
                changes = [_change(number, text) for number in range(begin, min(begin + BATCH, self.sent + count))]
                async with door.post("/v1/events", json=changes) as answer:
                    assert answer.status == 202, await answer.text()
        self.sent += count

    async def confirmed(self) -> None:
        """All that was sent came back from the mirror."""
        count = "SELECT count(*) FROM entries WHERE state = 'confirmed'"
        end_s = time.monotonic() + DEADLINE_S
        with closing(sqlite3.connect(self._made.folder / "hcs-bridge.db")) as connection:
            while connection.execute(count).fetchone() != (self.sent,):
                assert time.monotonic() < end_s, "not all were confirmed"
                await asyncio.sleep(0.1)


def _change(number: int, text: str) -> dict[str, Any]:
    payload = {"newStatus": "CampaignRunning", "statusChangeReason": text, "progressPercentage": number % 100}
    return {"event": "CAMPAIGN_STATUS_UPDATE", "campaignId": str(number % CAMPAIGNS), "payload": payload}


def told(memory: str, found: dict[str, float]) -> None:
    rounded = {name: round(each, 1) for name, each in found.items()}
    sys.stdout.write(f"memory: {memory}, MB and seconds: {rounded}\n")


async def gather(memory: Memory, sender: Sender, *, warm: int, waiting: int, text_bytes: int = 0) -> dict[str, float]:
    """Resident MB: warmed up by events that went through, and the highest while so many gather and none leaves."""
    await sender.send(warm)
    await sender.confirmed()
    began_s, found = time.monotonic(), {"warm": memory.now_mb()}
    sender.devnet.faults.inject(Fault.NODE_DOWN)
    await sender.send(waiting, text_bytes=text_bytes)
    return found | {"waiting": memory.highest_since(began_s), "gathered_s": time.monotonic() - began_s}


async def test_what_waits_is_not_in_memory(tmp_path: Path) -> None:
    """10,000 events of 2.5 kB: what held their bodies alone would grow by 25 MB."""
    async with world(tmp_path, **QUICK) as made:
        await made.start()
        sender = Sender(made)
        async with watched(made) as memory:
            found = await gather(memory, sender, warm=500, waiting=10_000, text_bytes=2500)
        told(f"{sender.sent} events", found)
        assert found["waiting"] - found["warm"] < SHORT_LIMIT_MB


@pytest.mark.long
async def test_memory_stays_flat_over_two_hundred_thousand_with_half_of_them_waiting(tmp_path: Path) -> None:
    events, warm = int(os.environ.get("MEMORY_EVENTS") or 200_000), 10_000
    async with world(tmp_path, **QUICK) as made:
        await made.start()
        sender = Sender(made)
        async with watched(made) as memory:
            found = await gather(memory, sender, warm=warm, waiting=events // 2)
            for phase, more in (("drained", 0), ("through", events - warm - events // 2)):
                began_s = time.monotonic()
                made.devnet.faults.clear()
                await sender.send(more)
                await sender.confirmed()
                found |= {phase: memory.highest_since(began_s), f"{phase}_s": time.monotonic() - began_s}
        told(f"{sender.sent} events", found)
        assert max(found["waiting"], found["drained"], found["through"]) - found["warm"] < LIMIT_MB
