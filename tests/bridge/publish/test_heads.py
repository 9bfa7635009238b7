"""The oldest waiting entries of many campaigns at once: each campaign's own, in their order, a bounded number."""

from __future__ import annotations

from sqlalchemy import Connection

from bridge.publish import outbox
from bridge.publish.heads import HEAD, heads
from bridge.publish.outbox import NewEntry
from tests.bridge.publish.on_record import chunk, record


def entry(number: int, ref: str) -> NewEntry:
    return NewEntry(bytes([number]) * 16, ref, f"campaign:{ref}", b"sealed", 10, "backend", 7)


def test_each_campaign_has_its_own_oldest_as_far_as_they_wait(connection: Connection) -> None:
    many = range(20, 20 + HEAD + 3)
    arrivals = [(3, "c1"), (2, "c2"), *((number, "c1") for number in many), (1, "c2")]
    outbox.append(connection, [entry(*each) for each in arrivals])
    boarding = outbox.waiting(connection, "c1", limit=1)
    outbox.board(connection, {record(connection, chunk(1)): boarding})
    found = heads(connection, ["c1", "c2", "nobody"])
    numbers = {ref: [each.event_id[0] for each in waiting] for ref, waiting in found.items()}
    assert numbers == {"c1": [*many][:HEAD], "c2": [2, 1]}
    assert found["c1"] == outbox.waiting(connection, "c1", limit=HEAD)
