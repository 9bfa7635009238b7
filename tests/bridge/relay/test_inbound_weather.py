"""The relay in bad weather: whatever mirrors answer meanwhile, all of it arrives once and in order."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from tests.bridge.relay.awake import awake
from tests.bridge.relay.test_hot import published, relayed
from tests.footing import Clock, Terms
from tests.rooms import Rooms, going, rooms_on, until
from topics.devnet.devnet import Devnet
from topics.devnet.fault_kinds import Fault, Side
from topics.values import AccountId

REST: dict[str, Any] = {"side": Side.REST}
WEATHER: dict[str, tuple[Fault, dict[str, Any]]] = {
    "a storm of 429": (Fault.MIRROR_TOO_MANY_REQUESTS, {"for_s": 0.7}),
    "429 with a wish": (Fault.MIRROR_TOO_MANY_REQUESTS, {"times": 1, "retry_after_s": 1}),
    "503": (Fault.MIRROR_UNAVAILABLE, {"for_s": 0.7}),
    "pages that repeat": (Fault.PAGE_REPEATS, {}),
    "empty pages with a link": (Fault.PAGE_EMPTY, {"times": 25}),
    "replicas": (Fault.MIRROR_REPLICAS, {**REST, "lag_s": 0.3}),
    "late": (Fault.MIRROR_LAG, {**REST, "lag_s": 0.3}),
    "standing still": (Fault.MIRROR_FREEZE, {**REST, "for_s": 0.3}),
}
STREAMS: dict[str, tuple[Fault, dict[str, Any]]] = {
    "a topic not found": (Fault.STREAM_BREAKS, {"after": 0, "status": "NOT_FOUND", "times": 4}),
    "never found": (Fault.STREAM_BREAKS, {"after": 0, "status": "NOT_FOUND"}),
    "out of time": (Fault.STREAM_BREAKS, {"after": 1, "status": "DEADLINE_EXCEEDED"}),
}
A_MINUTE: dict[str, tuple[Fault, dict[str, Any]]] = {
    "429 for a minute": (Fault.MIRROR_TOO_MANY_REQUESTS, {"for_s": 60}),
    "503 for a minute": (Fault.MIRROR_UNAVAILABLE, {"for_s": 60}),
}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A devnet in a process of its own: as much of it as its clients are told."""

    nodes: dict[AccountId, str]
    mirror_url: str
    mirror_grpc_address: str
    operator_id: AccountId
    operator_key: str


PROGRAM = """
import asyncio, json
from topics.devnet.serve import serve
from topics.devnet.settings import DevnetSettings

def tell(devnet):
    nodes = {str(account): address for account, address in devnet.nodes.items()}
    told = [nodes, devnet.mirror_url, devnet.mirror_grpc_address, str(devnet.operator_id), devnet.operator_key]
    print(json.dumps(told), flush=True)

asyncio.run(serve(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0), on_ready=tell))
"""


@asynccontextmanager
async def apart(folder: Path) -> AsyncIterator[tuple[Terms, asyncio.subprocess.Process]]:
    """Such a network, and its process."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        nodes, url, grpc_address, operator, key = json.loads(await process.stdout.readline())
        known = {AccountId.parse(account): address for account, address in nodes.items()}
        devnet = Elsewhere(known, url, grpc_address, AccountId.parse(operator), key)
        yield Terms(folder / "bridge.db", cast(Devnet, devnet), Clock()), process
    finally:
        process.kill()
        await process.wait()


async def all_of(rooms: Rooms, accepted: dict[str, list[bytes]], count: int) -> None:
    """So many more to each campaign, and with what was accepted before, all of it arrives."""
    for ref, ids in (await published(rooms, count)).items():
        accepted[ref] += ids
    await relayed(rooms, accepted)


@pytest.mark.parametrize("name", WEATHER)
async def test_by_rest_alone(rooms: Rooms, name: str) -> None:
    fault, asked = WEATHER[name]
    async with going(rooms):
        accepted = await published(rooms, 1)
        await relayed(rooms, accepted)
        rooms.terms.devnet.faults.inject(fault, **asked)
        await all_of(rooms, accepted, 4)


@pytest.mark.parametrize("name", STREAMS)
async def test_with_streams(rooms: Rooms, name: str) -> None:
    fault, asked = STREAMS[name]
    rooms.terms.devnet.faults.inject(fault, **asked)
    async with awake(rooms, "c1", "c2"), going(rooms):
        await all_of(rooms, {"c1": [], "c2": []}, 3)


@pytest.mark.long
@pytest.mark.parametrize("name", A_MINUTE)
async def test_a_whole_minute(rooms: Rooms, name: str) -> None:
    fault, asked = A_MINUTE[name]
    async with awake(rooms, "c1", "c2"), going(rooms):
        accepted = await published(rooms, 1)
        await relayed(rooms, accepted)
        rooms.terms.devnet.faults.inject(fault, **asked)
        later = await published(rooms, 5)
        await until(lambda: not rooms.terms.devnet.faults.standing(), deadline_s=70)
        for ref, ids in later.items():
            accepted[ref] += ids
        await relayed(rooms, accepted)


@pytest.mark.parametrize("times", [1, pytest.param(8, marks=pytest.mark.long)])
async def test_a_network_that_is_frozen_for_a_while(tmp_path: Path, times: int) -> None:
    """SIGSTOP: every connection stays open, and nobody answers; then it goes on as if nothing had been."""
    async with (
        apart(tmp_path) as (terms, process),
        rooms_on(terms) as rooms,
        awake(rooms, "c1", "c2", stream_idle_s=0.3),
        going(rooms),
    ):
        accepted = await published(rooms, 1)
        await relayed(rooms, accepted)
        for _ in range(times):
            process.send_signal(signal.SIGSTOP)
            asked, later = rooms.mirror.requests, await published(rooms, 2)
            await until(lambda: rooms.mirror.requests > asked + 1)  # noqa: B023 # what waited was given up
            assert len(rooms.news) == sum(map(len, accepted.values()))
            process.send_signal(signal.SIGCONT)
            for ref, ids in later.items():
                accepted[ref] += ids
            await relayed(rooms, accepted)
