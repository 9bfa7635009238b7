"""Flights on disk: one open a campaign, ids that are taken once, and what a restart finds."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.publish import flights, id_records
from bridge.publish.flights import Flight, FlightState
from bridge.publish.id_records import TransactionState
from tests.bridge.publish.on_record import TOPIC, chunk, id_, record
from topics.ledger.port import Receipt
from topics.values import TopicId


def opened(connection: Connection) -> Flight | None:
    newest = flights.newest(connection, ["c1"]).get("c1")
    if newest is None or newest.state is not FlightState.OPEN:
        return None
    return flights.left_open(connection, "c1", TOPIC, newest)


def last(connection: Connection) -> int | None:
    newest = flights.newest(connection, ["c1"]).get("c1")
    return None if newest is None else newest.producer_sequence


def test_a_restart_finds_the_open_flight_with_its_chunks_in_order(connection: Connection) -> None:
    flight_id = record(connection, chunk(13, 3, 3), chunk(11, 1, 3), chunk(12, 2, 3))
    id_records.settled(connection, {id_(11): Receipt("SUCCESS", None, 5, b"h" * 48)})
    found = opened(connection)
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
    id_records.spent(connection, id_(12), "NEVER_RAN")
    flights.replace_chunk(connection, Flight(flight_id, "c1", TOPIC, 1, ()), chunk(20, 2, 2))
    found = opened(connection)
    assert found is not None
    assert [c.id for c in found.chunks] == [id_(11), id_(20)]


def test_one_open_flight_a_campaign(connection: Connection) -> None:
    flight_id = record(connection, chunk(1))
    with pytest.raises(IntegrityError), connection.begin_nested():
        record(connection, chunk(2), sequence=2)
    flights.finish(connection, [flight_id], FlightState.SUBMITTED)
    assert opened(connection) is None
    record(connection, chunk(2), sequence=2)


def test_a_refused_flight_gives_its_producer_sequence_back(connection: Connection) -> None:
    assert last(connection) is None
    flights.finish(connection, [record(connection, chunk(1))], FlightState.SUBMITTED)
    assert last(connection) == 1
    flights.finish(connection, [record(connection, chunk(2), sequence=2)], FlightState.REFUSED)
    assert last(connection) == 1
    record(connection, chunk(3), sequence=2)
    assert last(connection) == 2
    assert "c2" not in flights.newest(connection, ["c1", "c2"])


def test_a_manifest_takes_no_producer_sequence(connection: Connection) -> None:
    flights.finish(connection, [record(connection, chunk(1), sequence=flights.MANIFEST)], FlightState.SUBMITTED)
    assert last(connection) == flights.MANIFEST


def test_our_last_message_in_a_topic_by_receipts_and_by_count(connection: Connection) -> None:
    earlier = Flight(record(connection, chunk(11), sequence=1), "c1", TOPIC, 1, ())
    assert flights.last_sequence(connection, earlier) == 0
    id_records.settled(connection, {id_(11): Receipt("SUCCESS", TOPIC)})
    flights.finish(connection, [earlier.id], FlightState.SUBMITTED)
    later = Flight(record(connection, chunk(12), sequence=2), "c1", TOPIC, 2, ())
    assert flights.last_sequence(connection, later) == 1  # from a mirror, which tells no number
    id_records.settled(connection, {id_(12): Receipt("SUCCESS", None, 7, b"h" * 48)})
    assert flights.last_sequence(connection, later) == 7
    assert flights.last_sequence(connection, Flight(later.id + 1, "c1", TopicId(0, 0, 8), 1, ())) == 0


@pytest.mark.parametrize(
    ("settled", "last"),
    [
        ({1: 5}, 5),
        ({1: 5, 3: 6, 4: 7}, 7),
        ({1: 5, 3: 7}, None),  # another stands at 6: chunk 2, or somebody's
        ({1: 5, 3: None}, None),  # only the mirror knew, and it tells no number
        ({1: None, 3: 6}, None),
    ],
)
def test_a_chunk_may_stand_unseen_among_those_that_settled_beside_it(
    connection: Connection, settled: dict[int, int | None], last: int | None
) -> None:
    flight_id = record(connection, *(chunk(10 + number, number, 5) for number in range(1, 6)))
    receipts = {number: Receipt("SUCCESS", None, at, b"h" * 48 if at else None) for number, at in settled.items()}
    id_records.settled(connection, {id_(10 + number): receipt for number, receipt in receipts.items()})
    assert flights.last_sequence(connection, Flight(flight_id, "c1", TOPIC, 1, ())) == last
