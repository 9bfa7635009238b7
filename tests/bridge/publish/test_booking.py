"""Bookings: each entry of the ledger once, foreign ones never, on the bills of those whose bytes it carried."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from bridge.publish import booking, costs, flights, id_records, outbox
from bridge.publish.budgets import Scope
from bridge.publish.costs import Sum
from bridge.publish.flights import Chunk, Draft
from bridge.publish.id_records import TransactionState
from bridge.publish.outbox import NewEntry
from bridge.schema import transactions
from topics.creator import Intent
from topics.fees import ExchangeRate
from topics.mirror.answers import TransactionOutcome
from topics.values import AccountId, TopicId, TransactionId

PAYER, TOPIC = AccountId(0, 0, 1001), TopicId(0, 0, 7)
RATE = ExchangeRate(1, 12)
DAY_NS = 1_795_392_000 * 10**9


def row(number: int, charged: int, *, at: int = 1, result: str = "SUCCESS") -> TransactionOutcome:
    return TransactionOutcome(TransactionId(PAYER, number), DAY_NS + at, result, TOPIC, charged)


def flight(connection: Connection, *numbers: int, producer_sequence: int = 1) -> int:
    """A flight of c1 with a chunk under each number."""
    total = len(numbers)
    chunks = tuple(
        Chunk(TransactionId(PAYER, number), place, total, b"m", 120, TransactionState.INTENDED)
        for place, number in enumerate(numbers, 1)
    )
    [made] = flights.record(connection, [Draft("c1", TOPIC, producer_sequence, chunks)], now_ms=1)
    return made.id


def aboard(connection: Connection, flight_id: int, *loads: tuple[str, int]) -> None:
    """Put an entry of that many bytes, brought by that key, into the flight, for each load."""
    for number, (api_key, size) in enumerate(loads):
        event_id = bytes([flight_id, number]) * 8
        outbox.append(connection, [NewEntry(event_id, "c1", "campaign:c1", b"b", size, api_key, 1)])
    outbox.board(connection, {flight_id: outbox.waiting(connection, "c1", limit=100)})


def keys(connection: Connection) -> dict[str, Sum]:
    return {found.name: found for found in costs.sums(connection, Scope.KEY)}


def test_a_frame_is_shared_by_bytes_and_counted_with_its_last_chunk(connection: Connection) -> None:
    aboard(connection, flight(connection, 1, 2), ("a", 100), ("b", 200), ("a", 100))
    booking.book(connection, [row(1, 101, at=1)], RATE)
    assert [(found.tinybar, found.events) for found in keys(connection).values()] == [(50, 0), (51, 0)]
    booking.book(connection, [row(2, 100, at=2)], RATE)
    [a, b] = keys(connection).values()
    assert (a.tinybar, a.events, b.tinybar, b.events) == (100, 2, 101, 1)
    [campaign] = costs.sums(connection, Scope.CAMPAIGN)
    assert (campaign.tinybar, campaign.tinycents, campaign.transactions, campaign.events) == (201, 201 * 12, 2, 3)
    assert [found.name for found in costs.sums(connection, Scope.DAY)] == ["2026-11-23"]


def test_an_entry_is_booked_once_and_each_copy_of_an_id_is_an_entry(connection: Connection) -> None:
    aboard(connection, flight(connection, 1), ("a", 1))
    first, copy = row(1, 100, at=1), row(1, 10, at=2, result="DUPLICATE_TRANSACTION")
    booking.book(connection, [first], RATE)
    booking.book(connection, [first, copy, copy], RATE)
    booking.book(connection, [first, copy], ExchangeRate(1, 13))
    a = keys(connection)["a"]
    assert (a.tinybar, a.tinycents, a.transactions, a.events) == (110, 110 * 12, 2, 1)
    assert connection.execute(select(transactions.c.fee_tinybar)).scalars().all() == [110]


def test_foreign_transactions_are_left_out(connection: Connection) -> None:
    assert booking.book(connection, [row(9, 100)], RATE) == booking.Booked()
    assert booking.book(connection, [], RATE) == booking.Booked()
    assert keys(connection) == {}


def test_a_manifest_is_on_the_sponsors_bill_and_names_its_campaign(connection: Connection) -> None:
    flight(connection, 1, producer_sequence=0)
    costs.sponsor(connection, "c1", "a")
    booked = booking.book(connection, [row(1, 100)], RATE)
    assert set(booked.begun) == {"c1"}
    assert (keys(connection)["a"].tinybar, keys(connection)["a"].events) == (100, 0)


def test_creations_wait_until_they_have_come_to_an_end(connection: Connection) -> None:
    created, pending, never = (TransactionId(PAYER, number) for number in (1, 2, 3))
    for transaction_id in (created, pending, never):
        id_records.record_creation(connection, "c1", Intent(transaction_id, 120))
    id_records.spent(connection, never, "NEVER_RAN")
    connection.execute(update(transactions).where(transactions.c.valid_start_ns == 1).values(state="settled"))
    assert booking.unbooked_creations(connection, None, limit=10) == [created]
    assert booking.unbooked_creations(connection, {"c1"}, limit=10) == [created]
    assert booking.unbooked_creations(connection, {"c2"}, limit=10) == []
    booking.book(connection, [row(1, 100)], RATE)
    assert booking.unbooked_creations(connection, None, limit=10) == []
    assert keys(connection)[costs.NOBODY].tinybar == 100


def test_an_event_of_a_flight_that_is_not_whole_on_the_bill_costs_nothing_known(connection: Connection) -> None:
    flight_id = flight(connection, 1, 2)
    aboard(connection, flight_id, ("a", 1), ("a", 3))
    event_id = bytes([flight_id, 1]) * 8
    booking.book(connection, [row(1, 100)], RATE)
    flights.finish(connection, [flight_id], flights.FlightState.SUBMITTED)
    assert costs.of_event(connection, event_id) is None
    booking.book(connection, [row(2, 60, at=2)], RATE)
    assert costs.of_event(connection, event_id) == costs.Cost(120, 120 * 12, RATE)
