"""Receipts and our own bytes against what a mirror shows: agreement names our flights, a contradiction is loud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from bridge.errors import ReceiptContradicted
from bridge.publish import flights, id_records, pins
from bridge.publish.flights import Chunk, Draft, Flight, FlightState
from bridge.publish.id_records import TransactionState
from bridge.schema import positions, transactions
from topics.ledger.port import Receipt
from topics.values import AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

PAYER, STRANGER = AccountId(0, 0, 1001), AccountId(0, 0, 5)
TOPIC = TopicId(0, 0, 7)


def id_(number: int) -> TransactionId:
    return TransactionId(PAYER, number)


def flight(connection: Connection, number: int, *texts: bytes, state: FlightState = FlightState.SUBMITTED) -> int:
    """Frame `number` of the topic; its chunks have the ids number * 10 + 1, + 2 …"""
    total = len(texts)
    chunks = tuple(
        Chunk(id_(number * 10 + n), n, total, text, 120, TransactionState.INTENDED) for n, text in enumerate(texts, 1)
    )
    [made] = flights.record(connection, [Draft("c1", TOPIC, number, chunks)], now_ms=1)
    flights.finish(connection, [made.id], state)
    return made.id


def hash_(sequence: int) -> bytes:
    return bytes([sequence]) * 48


def shown(sequence: int, text: bytes, **changed: Any) -> TopicMessage:
    return replace(TopicMessage(TOPIC, sequence, sequence, text, hash_(sequence), PAYER, None), **changed)


def pinned(connection: Connection, number: int, sequence: int) -> None:
    id_records.settled(connection, {id_(number): Receipt("SUCCESS", TOPIC, sequence, hash_(sequence))})


def test_what_receipts_pinned_is_recognised(connection: Connection) -> None:
    one, two = flight(connection, 1, b"a"), flight(connection, 2, b"b", b"c")
    for number, sequence in ((11, 2), (21, 3), (22, 5)):
        pinned(connection, number, sequence)
    first, second = (
        shown(place, text, chunk=ChunkInfo(id_(21), n, 2)) for n, place, text in ((1, 3, b"b"), (2, 5, b"c"))
    )
    messages = [shown(2, b"a"), first, shown(4, b"foreign", payer=STRANGER), second]
    assert pins.recognise(connection, messages, last_frame=0).flights == {2: one, 3: two, 5: two}
    assert pins.recognise(connection, messages[3:], last_frame=1).flights == {5: two}
    assert pins.recognise(connection, [], last_frame=0).flights == {}


@pytest.mark.parametrize(
    "lie",
    [{"running_hash": b"x" * 48}, {"message": b"other"}, {"payer": STRANGER}],
    ids=["hash", "bytes", "payer"],
)
def test_what_contradicts_a_receipt_is_named(connection: Connection, lie: dict[str, Any]) -> None:
    flight(connection, 1, b"a")
    pinned(connection, 11, 2)
    with pytest.raises(
        ReceiptContradicted, match=r"topic 0\.0\.7: sequence number 2 .* 0\.0\.1001-0-000000011"
    ) as caught:
        pins.recognise(connection, [shown(2, b"a", **lie)], last_frame=0)
    assert (caught.value.topic_id, caught.value.sequence, caught.value.transaction_id) == (TOPIC, 2, id_(11))


@pytest.mark.parametrize(
    "said",
    [None, ChunkInfo(id_(21), 1, 2), ChunkInfo(id_(21), 2, 3), ChunkInfo(id_(22), 2, 2)],
    ids=["no chunk", "another number", "another total", "of another message"],
)
@pytest.mark.parametrize("with_receipt", [True, False])
def test_what_chunk_a_message_is_can_not_be_made_up(
    connection: Connection, said: ChunkInfo | None, *, with_receipt: bool
) -> None:
    """No running hash covers it, and a frame put together otherwise would be lost."""
    flight(connection, 2, b"b", b"c")
    if with_receipt:
        pinned(connection, 22, 3)
    with pytest.raises(ReceiptContradicted, match="chunk info"):
        pins.recognise(connection, [shown(3, b"c", chunk=said)], last_frame=1)
    true = shown(3, b"c", chunk=ChunkInfo(id_(21), 2, 2))
    assert list(pins.recognise(connection, [true], last_frame=1).flights) == [3]


def test_a_frame_far_behind_the_last_one_opened_is_still_held_against_its_receipt(connection: Connection) -> None:
    """A mirror that shows rubbish in the place of several frames opens none of them."""
    for number in (1, 2, 3):
        flight(connection, number, b"%d" % number)
    pinned(connection, 31, 4)
    with pytest.raises(ReceiptContradicted):
        pins.recognise(connection, [shown(n, b"rubbish") for n in (2, 3, 4)], last_frame=0)


def test_a_message_pushed_out_of_its_place_contradicts_its_receipt(connection: Connection) -> None:
    """A forged tail whose hashes fit: rubbish where the receipt says we are, and our bytes behind it."""
    flight(connection, 1, b"a")
    pinned(connection, 11, 2)
    with pytest.raises(ReceiptContradicted, match=r"sequence number 3 .* 2 is the message's place"):
        pins.recognise(connection, [shown(3, b"a")], last_frame=0)
    assert (
        pins.recognise(connection, [shown(3, b"a")], last_frame=1).flights == {}
    )  # a copy of what was opened in its place


def test_a_receipt_for_a_place_that_was_read_without_us_is_a_contradiction(connection: Connection) -> None:
    flight(connection, 1, b"a", state=FlightState.OPEN)
    row = {"opened_sequence": 2, "producer_sequence": 0, "skipped": 1, "consensus_ns": 2, "running_hash": hash_(2)}
    connection.execute(insert(positions).values(topic_id=str(TOPIC), sequence=2, **row))
    read = pins.read_up_to(connection, [TOPIC])
    assert read == {TOPIC: 2}
    late = {id_(11): Receipt("SUCCESS", TOPIC, 2, hash_(2))}
    found = id_records.settled(connection, late, read_up_to={id_(11): read[TOPIC]})
    assert isinstance(found[id_(11)], ReceiptContradicted)
    assert connection.execute(select(transactions.c.state)).scalar_one() == "intended"


def test_before_its_receipt_a_message_is_known_by_its_bytes_and_what_was_shown_is_kept(connection: Connection) -> None:
    one = flight(connection, 1, b"a", state=FlightState.OPEN)
    assert pins.recognise(connection, [shown(2, b"a")], last_frame=0).unpinned
    assert pins.pin(connection, [shown(2, b"a")], last_frame=0) == {2: one}
    row = connection.execute(select(transactions)).one()
    assert (row.state, row.sequence, row.running_hash) == (TransactionState.INTENDED, 2, hash_(2))
    assert flights.last_sequence(connection, Flight(one, "c1", TOPIC, 1, ())) == 0  # not settled: it proves nothing yet
    assert id_records.settled(connection, {id_(11): Receipt("SUCCESS", TOPIC)}) == {}
    assert connection.execute(select(transactions.c.sequence)).scalar_one() == 2


@pytest.mark.parametrize("receipt", [Receipt("SUCCESS", TOPIC, 3, hash_(2)), Receipt("SUCCESS", TOPIC, 2, hash_(3))])
def test_a_receipt_that_comes_later_and_contradicts_what_was_shown(connection: Connection, receipt: Receipt) -> None:
    flight(connection, 1, b"a", state=FlightState.OPEN)
    pins.pin(connection, [shown(2, b"a")], last_frame=0)
    assert isinstance(id_records.settled(connection, {id_(11): receipt})[id_(11)], ReceiptContradicted)
    assert connection.execute(select(transactions.c.state)).scalar_one() == TransactionState.INTENDED


def test_the_same_bytes_of_somebody_else_are_not_ours(connection: Connection) -> None:
    flight(connection, 1, b"a")
    assert pins.recognise(connection, [shown(2, b"a", payer=STRANGER)], last_frame=0).flights == {}


def test_refused_flights_and_other_topics_are_left_out(connection: Connection) -> None:
    flight(connection, 1, b"a", state=FlightState.REFUSED)
    pinned(connection, 11, 2)
    other = replace(shown(2, b"x"), topic_id=TopicId(0, 0, 8))
    assert pins.recognise(connection, [shown(2, b"x")], last_frame=0).flights == {}
    flight(connection, 2, b"b")
    pinned(connection, 21, 2)
    assert pins.recognise(connection, [other], last_frame=1).flights == {}


@pytest.mark.sqlite
def test_the_look_goes_by_an_index(connection: Connection) -> None:
    """A topic has as many flights as it ever had frames."""
    plan = connection.exec_driver_sql(
        "EXPLAIN QUERY PLAN SELECT transactions.message FROM flights JOIN transactions ON"
        " flights.id = transactions.flight_id WHERE flights.topic_id = ? AND flights.producer_sequence BETWEEN ? AND ?"
        " AND flights.state != 'refused' AND transactions.state != ?",
        ("0.0.7", 1, 100, "spent"),
    ).all()
    assert [row[3].split(" (")[0] for row in plan] == [
        "SEARCH flights USING INDEX uq_flights_producer_sequence",
        "SEARCH transactions USING INDEX ix_transactions_flight_id",
    ]
