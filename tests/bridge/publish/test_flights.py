"""Flights on disk: one open a campaign, ids that are taken once, and what a restart finds."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from bridge.publish import flights
from bridge.publish.flights import Chunk, FlightState, TransactionState
from bridge.schema import transactions
from topics.creator import Intent
from topics.ledger.port import Receipt
from topics.values import AccountId, TopicId, TransactionId

PAYER = AccountId(0, 0, 1001)
TOPIC = TopicId(0, 0, 7)


def id_(number: int) -> TransactionId:
    return TransactionId(PAYER, number)


def chunk(start: int, number: int = 1, total: int = 1) -> Chunk:
    return Chunk(id_(start), number, total, f"part {number}".encode(), 120, TransactionState.INTENDED)


def record(connection: Connection, *chunks: Chunk, ref: str = "c1", sequence: int = 1) -> int:
    flight_id = flights.record(connection, ref, TOPIC, producer_sequence=sequence, now_ms=1)
    flights.record_chunks(connection, flight_id, ref, chunks)
    return flight_id


def test_a_restart_finds_the_open_flight_with_its_chunks_in_order(connection: Connection) -> None:
    flight_id = record(connection, chunk(13, 3, 3), chunk(11, 1, 3), chunk(12, 2, 3))
    flights.settled(connection, id_(11), Receipt("SUCCESS", None, 5, b"h" * 48))
    found = flights.open_flight(connection, "c1")
    assert found is not None
    assert (found.id, found.ref, found.topic_id, found.producer_sequence) == (flight_id, "c1", TOPIC, 1)
    assert [(c.id.valid_start_ns, c.number, c.message) for c in found.chunks] == [
        (11, 1, b"part 1"), (12, 2, b"part 2"), (13, 3, b"part 3"),
    ]  # fmt: skip
    assert [c.state for c in found.chunks] == [
        TransactionState.SETTLED, TransactionState.INTENDED, TransactionState.INTENDED,
    ]  # fmt: skip
    assert flights.refs_open(connection) == ["c1"]


def test_a_spent_id_gives_way_to_the_one_that_carries_its_message_now(connection: Connection) -> None:
    flight_id = record(connection, chunk(11, 1, 2), chunk(12, 2, 2))
    flights.spent(connection, id_(12), "NEVER_RAN")
    flights.record_chunks(connection, flight_id, "c1", [chunk(20, 2, 2)])
    found = flights.open_flight(connection, "c1")
    assert found is not None
    assert [c.id for c in found.chunks] == [id_(11), id_(20)]


def test_one_open_flight_a_campaign(connection: Connection) -> None:
    flight_id = record(connection, chunk(1))
    with pytest.raises(IntegrityError), connection.begin_nested():
        record(connection, chunk(2), sequence=2)
    flights.finish(connection, flight_id, FlightState.SUBMITTED)
    assert flights.open_flight(connection, "c1") is None
    record(connection, chunk(2), sequence=2)


def test_an_id_is_never_on_record_twice(connection: Connection) -> None:
    record(connection, chunk(1))
    with pytest.raises(IntegrityError):
        flights.record_creation(connection, "c2", Intent(id_(1), 120))


def test_a_refused_flight_gives_its_producer_sequence_back(connection: Connection) -> None:
    assert flights.next_producer_sequence(connection, TOPIC) == 1
    flights.finish(connection, record(connection, chunk(1)), FlightState.SUBMITTED)
    assert flights.next_producer_sequence(connection, TOPIC) == 2
    flights.finish(connection, record(connection, chunk(2), sequence=2), FlightState.REFUSED)
    assert flights.next_producer_sequence(connection, TOPIC) == 2
    record(connection, chunk(3), sequence=2)
    assert flights.next_producer_sequence(connection, TOPIC) == 3
    assert flights.next_producer_sequence(connection, TopicId(0, 0, 8)) == 1


def test_a_manifest_takes_no_producer_sequence(connection: Connection) -> None:
    flights.finish(connection, record(connection, chunk(1), sequence=flights.MANIFEST), FlightState.SUBMITTED)
    assert flights.next_producer_sequence(connection, TOPIC) == 1


def test_the_receipt_pins_what_the_mirror_must_show(connection: Connection) -> None:
    record(connection, chunk(1))
    flights.settled(connection, id_(1), Receipt("SUCCESS", None, 5, b"h" * 48))
    row = connection.execute(select(transactions)).one()
    assert (row.state, row.status, row.sequence, row.running_hash) == ("settled", "SUCCESS", 5, b"h" * 48)


def test_a_creation_is_pending_until_it_is_settled_or_spent(connection: Connection) -> None:
    assert flights.pending_creation(connection, "c1") is None
    flights.record_creation(connection, "c1", Intent(id_(1), 120))
    assert flights.pending_creation(connection, "c1") == Intent(id_(1), 120)
    assert flights.pending_creation(connection, "c2") is None
    flights.spent(connection, id_(1), "BUSY")
    assert flights.pending_creation(connection, "c1") is None
    flights.record_creation(connection, "c1", Intent(id_(2), 120))
    flights.settled(connection, id_(2), Receipt("SUCCESS", TOPIC))
    assert flights.pending_creation(connection, "c1") is None


def test_new_ids_begin_behind_every_recorded_one(connection: Connection) -> None:
    assert flights.last_valid_start_ns(connection, PAYER) == 0
    record(connection, chunk(5))
    flights.record_creation(connection, "c1", Intent(id_(9), 120))
    assert flights.last_valid_start_ns(connection, PAYER) == 9
    assert flights.last_valid_start_ns(connection, AccountId(0, 0, 2)) == 0


def test_our_last_message_in_a_topic_by_receipts_and_by_count(connection: Connection) -> None:
    assert flights.last_sequence(connection, TOPIC) == 0
    record(connection, chunk(11, 1, 3), chunk(12, 2, 3), chunk(13, 3, 3))
    flights.settled(connection, id_(11), Receipt("SUCCESS", TOPIC))
    assert flights.last_sequence(connection, TOPIC) == 1  # from a mirror, which tells no number
    flights.settled(connection, id_(12), Receipt("SUCCESS", None, 7, b"h" * 48))
    assert flights.last_sequence(connection, TOPIC) == 7
    assert flights.last_sequence(connection, TopicId(0, 0, 8)) == 0
