"""What an operator sees of the outbox: counts and ages, what is in the way, and one entry's whole story."""

from __future__ import annotations

from sqlalchemy import Connection, update

from bridge.publish import closing, outbox, survey
from bridge.publish.outbox import EntryState
from bridge.schema import entries
from tests.bridge.publish.test_mending import add, entry, fly, park
from tests.rooms import Rooms, change


def test_counts_by_campaign_and_state_and_the_oldest_first(connection: Connection) -> None:
    add(connection, *(entry(number) for number in (1, 2, 3)), entry(4, "c2"))
    park(connection, 1)
    fly(connection, 2)
    seen = survey.overview(connection, limit=2)
    counted = [(tally.ref, tally.state.value, tally.count, tally.oldest_ms) for tally in seen.tallies]
    assert counted == [("c1", "flying", 1, 7), ("c1", "parked", 1, 7), ("c1", "waiting", 1, 7), ("c2", "waiting", 1, 7)]
    assert [each.event_id[0] for each in seen.entries] == [1, 2]
    assert seen.entries[0].reason == "the network refused it"
    parked = survey.overview(connection, ref="c1", states=[EntryState.PARKED], limit=9)
    assert [(tally.ref, tally.count) for tally in parked.tallies] == [("c1", 1)]
    assert [each.event_id[0] for each in parked.entries] == [1]
    assert survey.overview(connection, ref="c9", limit=9) == survey.Overview([], {}, [])


def test_what_is_done_is_not_shown_unasked(connection: Connection) -> None:
    add(connection, entry(1), entry(2))
    connection.execute(update(entries).where(entries.c.id == 1).values(state="confirmed"))
    connection.execute(update(entries).where(entries.c.id == 2).values(state="dropped"))
    assert survey.overview(connection, limit=9).entries == []
    assert len(survey.listed(connection, states=[EntryState.DROPPED], limit=9)) == 1


async def test_an_entrys_story(rooms: Rooms) -> None:
    [event_id] = (await rooms.accept(change(text="x" * 1_500))).ids
    before = await rooms.database.read(lambda c: survey.story(c, event_id))
    assert before is not None
    assert (before.entry.state, before.flight, before.cost) == (EntryState.WAITING, None, None)
    await rooms.carry("c1")
    found = await rooms.database.read(lambda c: survey.story(c, event_id))
    assert found is not None
    assert found.flight is not None
    assert (found.entry.state, found.api_key) == (EntryState.SUBMITTED, "backend")
    assert (found.flight.producer_sequence, found.flight.index, found.flight.state) == (1, 0, "submitted")
    assert [(sent.number, sent.total, sent.status) for sent in found.flight.transactions] == [
        (1, 2, "SUCCESS"),
        (2, 2, "SUCCESS"),
    ]
    assert await rooms.database.read(lambda c: survey.story(c, bytes(16))) is None


async def test_the_final_message_is_seen_as_what_it_is(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    await rooms.database.write(lambda c: closing.intend(c, "c1", rooms.at_rest, api_key="", now_ms=5))
    [kept] = await rooms.database.read(lambda c: survey.listed(c, limit=9))
    assert (kept.kind, kept.channel) == ("close", "close:c1")
    assert list(await rooms.database.read(lambda c: list(outbox.open_ids(c, "campaign:c1", limit=9)))) == []
