"""An operator's hand: parked events go again in their place, given-up ones never do, and what flies is left alone."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert, update

from bridge.errors import CampaignRefused, EntryRefused
from bridge.publish import closing, mending, outbox
from bridge.publish.mending import Hand
from bridge.publish.outbox import Confirmation, EntryState, NewEntry
from bridge.schema import entries, flights
from tests.rooms import Rooms, change

HAND = Hand("ops", 99)


def entry(number: int, ref: str = "c1") -> NewEntry:
    return NewEntry(bytes([number]) * 16, ref, f"campaign:{ref}", b"sealed", 10, "backend", 7)


def add(connection: Connection, *arrivals: NewEntry) -> None:
    outbox.append(connection, arrivals)


def ids(*of: int) -> list[bytes]:
    return [bytes([number]) * 16 for number in of]


def fly(connection: Connection, *of: int, to: str = "flying", flight: str = "open") -> int:
    """These, in a flight of that state; its number."""
    row = {"ref": "c1", "topic_id": "0.0.7", "producer_sequence": 1, "state": flight, "opened_ms": 1}
    [flight_id] = connection.execute(insert(flights).values(row)).inserted_primary_key or [0]
    for place, number in enumerate(of):
        boarded = update(entries).where(entries.c.event_id == bytes([number]) * 16)
        connection.execute(boarded.values(state=to, flight_id=flight_id, index=place))
    return int(flight_id)


def park(connection: Connection, *of: int) -> int:
    """These, together in a flight that was refused."""
    flight_id = fly(connection, *of, to="parked", flight="refused")
    why = update(entries).where(entries.c.flight_id == flight_id)
    connection.execute(why.values(reason="the network refused it"))
    return flight_id


def state(connection: Connection, number: int) -> EntryState:
    status = outbox.status(connection, bytes([number]) * 16)
    assert status is not None
    return status.state


def waiting(connection: Connection) -> list[int]:
    found = entries.select().where(entries.c.ref == "c1", entries.c.state == "waiting").order_by(entries.c.id)
    return [row.event_id[0] for row in connection.execute(found)]


def confirmation(number: int, flight_id: int | None) -> Confirmation:
    return Confirmation(bytes([number]) * 16, flight_id, "0.0.7", 3, 0, 99)


def handled_by(connection: Connection, number: int) -> tuple[str | None, int | None]:
    row = connection.execute(entries.select().where(entries.c.event_id == bytes([number]) * 16)).one()
    return row.handled_by, row.handled_ms


def test_a_retried_event_waits_in_its_place(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (1, 2, 3, 4)))
    park(connection, 1, 2)
    retried = mending.retry(connection, ids(2, 1), HAND)
    assert [each.entry.event_id[0] for each in retried] == [1, 2]
    assert {(each.ref, each.state) for each in retried} == {("c1", EntryState.PARKED)}
    assert waiting(connection) == [1, 2, 3, 4]
    row = connection.execute(entries.select().where(entries.c.event_id == ids(1)[0])).one()
    assert row.flight_id is None
    status = outbox.status(connection, ids(1)[0])
    assert status is not None
    assert (status.reason, status.index) == (None, None)
    assert handled_by(connection, 1) == ("ops", 99)


def test_the_refused_flight_confirms_a_retried_event_no_more(connection: Connection) -> None:
    add(connection, entry(1))
    refused = park(connection, 1)
    mending.retry(connection, ids(1), HAND)
    fly(connection, 1)
    outbox.confirm(connection, [confirmation(1, refused)])
    assert state(connection, 1) is EntryState.FLYING


def test_a_campaigns_parked_events_go_oldest_first(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (1, 2, 3)), entry(4, "c2"))
    park(connection, 1, 2, 3)
    assert len(mending.retry_campaign(connection, "c1", HAND, limit=2)) == 2
    assert [state(connection, number) for number in (1, 2, 3)] == ["waiting", "waiting", "parked"]
    assert len(mending.retry_campaign(connection, "c1", HAND, limit=2)) == 1
    assert mending.retry_campaign(connection, "c1", HAND, limit=2) == []
    with pytest.raises(CampaignRefused, match="not registered"):
        mending.retry_campaign(connection, "c9", HAND, limit=2)


def test_all_are_retried_or_none(connection: Connection) -> None:
    add(connection, entry(1), entry(2))
    park(connection, 1)
    with pytest.raises(EntryRefused, match="is waiting, and only a parked one") as refused:
        mending.retry(connection, ids(1, 2), HAND)
    assert refused.value.status == 409
    with pytest.raises(EntryRefused, match=r"09090909.* is not known"):
        mending.retry(connection, ids(1, 9), HAND)
    assert state(connection, 1) is EntryState.PARKED


def test_what_was_shredded_on_its_way_is_not_sent_again(connection: Connection) -> None:
    """Its frame was refused after nobody could know any more what it said."""
    add(connection, entry(1), entry(2))
    park(connection, 1, 2)
    connection.execute(update(entries).where(entries.c.event_id == ids(1)[0]).values(body=b""))
    with pytest.raises(EntryRefused, match="was shredded"):
        mending.retry(connection, ids(1), HAND)
    mending.retry_campaign(connection, "c1", HAND, limit=9)
    assert waiting(connection) == [2]
    mending.drop(connection, ids(1), HAND)
    assert state(connection, 1) is EntryState.DROPPED


def test_dropped_with_who_when_and_why(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (1, 2, 3)))
    park(connection, 1)
    dropped = mending.drop(connection, ids(1, 2), HAND, reason="")
    assert [each.state for each in dropped] == [EntryState.PARKED, EntryState.WAITING]
    assert waiting(connection) == [3]
    assert dict(outbox.parked(connection, "campaign:c1", limit=10)) == {
        ids(1)[0]: "given up by an operator: the network refused it",
        ids(2)[0]: "given up by an operator",
    }
    assert handled_by(connection, 2) == ("ops", 99)
    mending.drop(connection, ids(3), HAND, reason="w" * 400)
    status = outbox.status(connection, ids(3)[0])
    assert status is not None
    assert (status.state, len(str(status.reason))) == (EntryState.DROPPED, 300)


@pytest.mark.parametrize("submitted", [False, True])
def test_what_may_be_on_the_ledger_is_not_given_up(connection: Connection, submitted: bool) -> None:
    add(connection, entry(1), entry(2))
    fly(connection, 1, to="submitted" if submitted else "flying")
    with pytest.raises(EntryRefused, match=r"flying|submitted") as refused:
        mending.drop(connection, ids(1, 2), HAND)
    assert "outbox show" in refused.value.hint
    assert state(connection, 2) is EntryState.WAITING


def test_what_is_confirmed_or_dropped_stays_so(connection: Connection) -> None:
    add(connection, entry(1), entry(2))
    outbox.confirm(connection, [confirmation(1, None)])
    mending.drop(connection, ids(2), HAND)
    for number in (1, 2):
        with pytest.raises(EntryRefused, match=r"is confirmed, and|is dropped, and"):
            mending.drop(connection, ids(number), HAND)


async def test_nothing_follows_the_final_message_and_it_is_not_taken_back(rooms: Rooms) -> None:
    [parked] = (await rooms.accept(change(n="1"))).ids
    to = update(entries).where(entries.c.event_id == parked)
    await rooms.database.write(lambda c: c.execute(to.values(state=EntryState.PARKED)))
    await rooms.database.write(lambda c: closing.intend(c, "c1", rooms.at_rest, api_key="", now_ms=5))
    end = await rooms.database.read(
        lambda c: c.execute(entries.select().where(entries.c.kind == closing.KIND)).one().event_id
    )
    with pytest.raises(EntryRefused, match="final message"):
        await rooms.database.write(lambda c: mending.drop(c, [end], HAND))
    await rooms.database.write(lambda c: mending.retry(c, [parked], HAND))  # the end waits: there is time yet
    await rooms.database.write(lambda c: c.execute(to.values(state=EntryState.PARKED)))
    await rooms.carry("c1")
    with pytest.raises(CampaignRefused, match="is closing") as refused:
        await rooms.database.write(lambda c: mending.retry(c, [parked], HAND))
    assert "nothing may follow its final message" in refused.value.hint
    await rooms.database.write(lambda c: mending.drop(c, [parked], HAND))
