"""What is said of the bridge's health is what an operator would find."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pytest

from bridge import readiness
from bridge.errors import Unavailable as DatabaseAway
from bridge.intake.postgres import opened
from bridge.intake.reader import Reader, State
from bridge.intake.rows import Offer, Outcome
from bridge.intake.settings import SourceSettings
from bridge.readiness import Readiness
from bridge.relay import progress
from bridge.supervise import supervised
from tests.bridge.relay.bent_mirror import publish
from tests.bridge.test_descriptors import soft_limit
from tests.rooms import Rooms, until
from tests.servers import free_port
from topics.devnet.faults import Fault
from topics.errors import Unavailable

ALL_IS_WELL = {
    "ready": True,
    "degraded": [],
    "mirrors": {"down": 0, "of": 1},
    "nodes": {"down": 0, "of": 2},
    "intake": {"down": [], "of": 0},
    "clock": {"aheadS": 0},
    "topics": {"halted": 0},
    "campaigns": {"stopped": 0},
}


@pytest.fixture
def looking(rooms: Rooms) -> Readiness:
    return Readiness(rooms.database, rooms.mirror.mirrors, rooms.ledger.node_failures)


async def test_all_is_well(rooms: Rooms, looking: Readiness) -> None:
    await publish(rooms, "c1")
    await rooms.inbound.round(rooms.sweep)
    assert await looking.look() == ALL_IS_WELL


async def test_halted_topics_are_counted_and_everything_else_is_ready(rooms: Rooms, looking: Readiness) -> None:
    await publish(rooms, "c1", "c2", "c3")
    for ref in ("c1", "c2"):
        topic_id = await rooms.topic(ref)
        await rooms.database.write(lambda c, halted=topic_id: progress.halt(c, halted, "a mirror lied"))  # type: ignore[misc]
    assert await looking.look() == ALL_IS_WELL | {"degraded": ["topics"], "topics": {"halted": 2}}
    await rooms.database.write(lambda c: progress.resume(c, topic_id, since_ns=1))
    assert (await looking.look())["topics"] == {"halted": 1}


async def test_mirrors_and_nodes_out_of_reach_keep_nobody_from_accepting(rooms: Rooms, looking: Readiness) -> None:
    for fault in (Fault.MIRROR_UNREACHABLE, Fault.NODE_DOWN):
        rooms.terms.devnet.faults.inject(fault)
    with pytest.raises(Unavailable):
        await rooms.mirror.latest_consensus_ns()
    with pytest.raises(Unavailable):
        await publish(rooms, "c1")
    trouble = {"degraded": ["mirrors", "nodes"], "mirrors": {"down": 1, "of": 1}, "nodes": {"down": 2, "of": 2}}
    assert await looking.look() == ALL_IS_WELL | trouble


async def test_a_source_that_cannot_be_read_is_named(rooms: Rooms) -> None:
    settings = SourceSettings("shop", f"postgresql://127.0.0.1:{free_port()}/shop")
    reader = Reader(settings, never, partial(opened, settings))
    looking = Readiness(rooms.database, rooms.mirror.mirrors, rooms.ledger.node_failures, [reader])
    assert await looking.look() == ALL_IS_WELL | {"intake": {"down": [], "of": 1}}
    async with supervised({"reader": reader.run}):
        await until(lambda: reader.state is State.AWAY)
    assert await looking.look() == ALL_IS_WELL | {"degraded": ["intake"], "intake": {"down": ["shop"], "of": 1}}


async def never(_offers: Sequence[Offer]) -> Sequence[Outcome]:
    raise AssertionError("there is nothing to take")


async def test_no_descriptors_are_left(looking: Readiness) -> None:
    with soft_limit(0):
        found = await looking.look()
    assert found == ALL_IS_WELL | {"degraded": ["descriptors"]}


async def test_campaigns_of_which_nothing_goes_out_and_refused_writes_are_named(rooms: Rooms) -> None:
    waits = {"c1": "INVALID_SIGNATURE"}
    looking = Readiness(rooms.database, rooms.mirror.mirrors, rooms.ledger.node_failures, waits=waits)
    rooms.database.refusals.note([DatabaseAway("the database", "database or disk is full")])
    trouble = {"degraded": ["campaigns", "database"], "campaigns": {"stopped": 1}}
    assert await looking.look() == ALL_IS_WELL | trouble
    waits.clear()
    assert (await looking.look())["campaigns"] == {"stopped": 0}


async def test_without_the_database_nothing_is_taken(
    rooms: Rooms, looking: Readiness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "LOOK_S", 0.05)
    with rooms.database.engine.begin() as held:  # somebody else has it locked: the writer waits
        held.exec_driver_sql("DELETE FROM settings WHERE name = 'none'")
        with pytest.raises(DatabaseAway, match="it has taken no write"):
            await looking.look()
    await rooms.database.close()
    with pytest.raises(DatabaseAway, match="it is closed"):
        await looking.look()
