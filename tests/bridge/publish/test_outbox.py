"""The outbox: the order of acceptance, and each state's one way to the next."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from bridge.publish import flights, outbox
from bridge.publish.flights import Draft
from bridge.publish.outbox import Confirmation, EntryState, NewEntry
from topics.values import TopicId


def entry(number: int, ref: str = "c1", channel: str | None = None) -> NewEntry:
    return NewEntry(bytes([number]) * 16, ref, channel or f"campaign:{ref}", b"sealed", 10, "backend", 7)


def add(connection: Connection, *arrivals: NewEntry) -> None:
    outbox.append(connection, arrivals)


def flight(connection: Connection, *, number: int = 1) -> int:
    [made] = flights.record(connection, [Draft("c1", TopicId(0, 0, 7), number, ())], now_ms=1)
    return made.id


def board(connection: Connection, *numbers: int) -> int:
    """A flight with the events of these numbers."""
    waiting = {e.event_id[0]: e for e in outbox.waiting(connection, "c1", limit=100)}
    flight_id = flight(connection)
    outbox.board(connection, {flight_id: [waiting[number] for number in numbers]})
    return flight_id


def state(connection: Connection, number: int) -> EntryState:
    status = outbox.status(connection, bytes([number]) * 16)
    assert status is not None
    return status.state


def confirmation(number: int, flight_id: int | None) -> Confirmation:
    return Confirmation(bytes([number]) * 16, flight_id, "0.0.7", 3, 0, 99)


def numbers(entries: list[outbox.Entry]) -> list[int]:
    return [entry.event_id[0] for entry in entries]


def test_each_campaign_waits_in_the_order_of_acceptance(connection: Connection) -> None:
    add(connection, entry(3), entry(1, "c2"), entry(2))
    add(connection, entry(4, "c2"), entry(5))
    assert numbers(outbox.waiting(connection, "c1", limit=10)) == [3, 2, 5]
    assert numbers(outbox.waiting(connection, "c1", limit=2)) == [3, 2]
    assert numbers(outbox.waiting(connection, "c2", limit=10)) == [1, 4]
    assert sorted(outbox.refs_waiting(connection)) == ["c1", "c2"]


def test_what_a_frame_has_no_room_for_is_left_where_it_is(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (3, 1, 2)))  # 10 bytes each
    for max_bytes, read in ((100, [3, 1, 2]), (15, [3, 1]), (5, [3, 1])):
        assert numbers(outbox.waiting(connection, "c1", limit=10, max_bytes=max_bytes)) == read


def test_an_event_is_accepted_once(connection: Connection) -> None:
    add(connection, entry(1))
    with pytest.raises(IntegrityError, match="event_id"):
        add(connection, entry(1))


def test_what_boards_waits_no_longer_and_keeps_its_place(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (3, 1, 2)))
    flight_id = board(connection, 3, 1)
    assert numbers(outbox.waiting(connection, "c1", limit=10)) == [2]
    assert numbers(outbox.in_flight(connection, flight_id)) == [3, 1]
    assert state(connection, 3) is EntryState.FLYING


def test_submitted_then_confirmed(connection: Connection) -> None:
    add(connection, entry(1), entry(2))
    flight_id = board(connection, 1)
    outbox.submitted(connection, [flight_id])
    assert (state(connection, 1), state(connection, 2)) == (EntryState.SUBMITTED, EntryState.WAITING)
    outbox.confirm(connection, [confirmation(1, flight_id)])
    status = outbox.status(connection, bytes([1]) * 16)
    assert status is not None
    assert status.state is EntryState.CONFIRMED
    assert (status.topic_id, status.sequence, status.index, status.consensus_ns) == ("0.0.7", 3, 0, 99)
    assert status.accepted_ms == 7


def test_a_mirror_that_is_faster_than_the_receipt(connection: Connection) -> None:
    add(connection, entry(1))
    flight_id = board(connection, 1)
    outbox.confirm(connection, [confirmation(1, flight_id)])
    outbox.submitted(connection, [flight_id])
    assert state(connection, 1) is EntryState.CONFIRMED


@pytest.mark.parametrize("other", [None, 99])
def test_another_flights_bytes_confirm_nothing(connection: Connection, other: int | None) -> None:
    add(connection, entry(1))
    outbox.submitted(connection, [board(connection, 1)])
    outbox.confirm(connection, [confirmation(1, other)])
    assert state(connection, 1) is EntryState.SUBMITTED


def test_an_entry_of_a_database_put_back_from_a_copy_is_not_sent_again(connection: Connection) -> None:
    add(connection, entry(1))
    outbox.confirm(connection, [confirmation(1, None)])
    assert state(connection, 1) is EntryState.CONFIRMED
    assert outbox.waiting(connection, "c1", limit=10) == []


def test_events_that_this_outbox_never_had_change_nothing(connection: Connection) -> None:
    add(connection, entry(1))
    outbox.confirm(connection, [confirmation(9, None)])
    outbox.confirm(connection, [])
    assert state(connection, 1) is EntryState.WAITING
    assert outbox.status(connection, bytes([9]) * 16) is None


def test_parked_with_its_reason(connection: Connection) -> None:
    add(connection, entry(1), entry(2))
    outbox.park(connection, [outbox.waiting(connection, "c1", limit=1)[0].id], "why " * 200)
    status = outbox.status(connection, bytes([1]) * 16)
    assert status is not None
    assert status.state is EntryState.PARKED
    assert status.reason == ("why " * 200)[:300]
    assert numbers(outbox.waiting(connection, "c1", limit=10)) == [2]


def test_a_channels_open_and_parked_events_newest_first(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (1, 2, 3, 4)), entry(5, channel="user:7"))
    flight_id = board(connection, 1, 2)
    outbox.submitted(connection, [flight_id])
    outbox.confirm(connection, [confirmation(1, flight_id)])
    outbox.park(connection, [e.id for e in outbox.waiting(connection, "c1", limit=1)], "size")
    assert [id_[0] for id_ in outbox.open_ids(connection, "campaign:c1", limit=10)] == [4, 2]
    assert [id_[0] for id_ in outbox.open_ids(connection, "campaign:c1", limit=1)] == [4]
    assert [id_[0] for id_ in outbox.open_ids(connection, "user:7", limit=10)] == [5]
    assert [(id_[0], why) for id_, why in outbox.parked(connection, "campaign:c1", limit=10)] == [(3, "size")]
