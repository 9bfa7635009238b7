"""Our clock is set by an hour while everything goes on: nothing waits for it, nothing is lost, nothing comes twice."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from bridge.publish.outbox import EntryState
from bridge.readiness import Readiness
from tests.footing import Clock, Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.devnet.faults import Fault
from topics.values import NANOS

HOUR_S = 3600


async def accepted(rooms: Rooms, *refs: str) -> list[bytes]:
    """An event of each campaign and one more of all, in a request each."""
    return [(await rooms.accept(change(ref))).ids[0] for ref in (*refs, *refs)]


async def arrive(rooms: Rooms, event_ids: list[bytes]) -> None:
    async def confirmed() -> bool:
        return {await rooms.state(each) for each in event_ids} == {EntryState.CONFIRMED}

    await until(confirmed)


def look_of(rooms: Rooms) -> Readiness:
    ahead_s = rooms.ids.network.clock_ahead_s
    return Readiness(rooms.database, rooms.mirror.mirrors, rooms.ledger.node_failures, (), ahead_s)


@pytest.mark.parametrize(("ahead_s", "way"), [(HOUR_S, "ahead of"), (-HOUR_S, "behind")])
async def test_a_jump_while_events_come(terms: Terms, ahead_s: int, way: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "topics.network_time")
    clock = Clock()  # ours; the network keeps its own
    async with rooms_on(replace(terms, clock=clock)) as rooms, going(rooms):
        ids = await accepted(rooms, "c1")
        await arrive(rooms, ids)
        terms.devnet.faults.inject(Fault.NODE_DOWN)
        ids += await accepted(rooms, "c1", "c2")  # what is under way has its ids, and no node has it
        await until(lambda: rooms.submitter.waits.keys() == {"c1", "c2"})
        clock.set_by_ns = ahead_s * NANOS
        terms.devnet.faults.clear()
        ids += await accepted(rooms, "c1", "c2", "c3")
        await arrive(rooms, ids)
        health: Any = await look_of(rooms).look()
        assert (health["ready"], health["degraded"]) == (True, ["clock"])
        assert health["clock"] == {"aheadS": pytest.approx(ahead_s, abs=5)}
        clock.set_by_ns = 0
        ids += await accepted(rooms, "c1", "c2", "c3")
        await arrive(rooms, ids)
        assert (await look_of(rooms).look())["degraded"] == []
        on_ledger = [event.id for ref in ("c1", "c2", "c3") for event in await rooms.on_ledger(ref)]
        assert sorted(on_ledger) == sorted(ids)
        assert rooms.rejected == []
    begun, over = [each.message for each in caplog.records if each.name == "topics.network_time"]
    assert begun.startswith("this machine's clock is 3")
    assert f" s {way} the network's" in begun
    assert over == "this machine's clock agrees with the network's again"


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])
async def test_a_clock_that_is_wrong_from_the_start_and_then_set_right(terms: Terms, ahead_s: int) -> None:
    async with rooms_on(terms) as rooms, going(rooms):
        ids = await accepted(rooms, "c1")
        await arrive(rooms, ids)
    clock = Clock(set_by_ns=ahead_s * NANOS)
    terms.clock.forward(HOUR_S)  # the ids on record say nothing of now
    clock.forward(HOUR_S)
    async with rooms_on(replace(terms, clock=clock)) as rooms, going(rooms):
        ids += await accepted(rooms, "c1", "c2")
        await arrive(rooms, ids)
        assert (await look_of(rooms).look())["degraded"] == ["clock"]
        clock.set_by_ns = 0
        ids += await accepted(rooms, "c1", "c2")
        await arrive(rooms, ids)
        assert (await look_of(rooms).look())["degraded"] == []
        on_ledger = [event.id for ref in ("c1", "c2") for event in await rooms.on_ledger(ref)]
        assert sorted(on_ledger) == sorted(ids)
