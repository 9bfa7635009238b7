"""What stands in a campaign's way, for all of them at once, as far as the disk knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, event, update

from bridge.publish.obstacles import obstacles
from bridge.relay import progress
from bridge.schema import registry
from bridge.schema import topics as topics_table
from tests.bridge.publish.killing import Axe, Killed, under
from tests.bridge.publish.test_carrier import loaded, tamper
from tests.rooms import Rooms
from topics.errors import Rejected
from topics.values import TopicId


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    """Those that the block runs."""
    ran: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        ran.append(statement)

    event.listen(connection.engine, "before_cursor_execute", note)
    yield ran
    event.remove(connection.engine, "before_cursor_execute", note)


def test_a_halt_and_a_close_are_told(connection: Connection) -> None:
    registry.created(connection, "c1", TopicId(0, 0, 7))
    registry.ready(connection, "c1")
    assert obstacles(connection, ["c1"]) == {"c1": []}
    progress.halt(connection, TopicId(0, 0, 7), "running hash differs")
    registry.close(connection, "c1", now_ms=1)
    assert obstacles(connection, ["c1", "c2", "c9"]) == {
        "c1": ["its topic is closing", "reading is halted: running hash differs"],
        "c2": ["its topic is intended"],
        "c9": [],
    }


def test_many_campaigns_take_as_many_statements_as_one(connection: Connection) -> None:
    refs = [f"many-{number}" for number in range(100)]
    for ref in refs:
        registry.intend(connection, ref, owner=None, now_ms=1)
    with statements(connection) as for_one:
        obstacles(connection, refs[:1])
    with statements(connection) as for_all:
        found = obstacles(connection, refs)
    assert len(for_all) == len(for_one)
    assert set(map(tuple, found.values())) == {("its topic is intended",)}


async def told(rooms: Rooms) -> list[str]:
    found = await rooms.database.read(lambda c: obstacles(c, ["c1"]))
    return [each for each in found["c1"] if "refused" in each]


async def test_the_networks_last_refusal_is_told_while_it_lasts(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    await rooms.carry("c1")
    ours = await rooms.topic("c1")
    gone = TopicId(0, 0, 9_999)
    await rooms.database.write(lambda c: c.execute(update(topics_table).values(topic_id=str(gone), state="created")))
    with pytest.raises(Rejected):  # a manifest for a topic that isn't there
        await rooms.carrier.advance("c1")
    assert await told(rooms) == ["submission: the network refused the last try with INVALID_TOPIC_ID"]
    await rooms.database.write(lambda c: c.execute(update(topics_table).values(topic_id=str(ours))))


async def test_a_flight_that_is_partly_on_the_ledger_says_how_far_it_is(rooms: Rooms) -> None:
    await loaded(rooms, "x" * 3_000)
    with pytest.raises(Killed):
        await under(Axe(4, after=True), rooms).advance("c1")  # a look; chunk 1: submit, receipt, settled
    assert await told(rooms) == []
    await tamper(rooms, b"x" * 2_000)
    with pytest.raises(Rejected):
        await rooms.carrier.advance("c1")
    refused = "submission: the network refused the last try with MESSAGE_SIZE_TOO_LARGE"
    assert await told(rooms) == [f"{refused}; 1 of 4 chunks are on the ledger"]
