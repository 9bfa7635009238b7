"""Where the corridors meet: what arrived is confirmed in the outbox, whether the relay opened it or not."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from bridge.publish import closing, outbox
from bridge.publish.outbox import EntryStatus
from bridge.schema import entries, registry, transactions
from tests.rooms import DEADLINE_S, Rooms, change
from topics.mirror.sweep import Sweep
from topics.registry import TopicState

OPEN = entries.select().where(entries.c.state != "confirmed")


async def status(rooms: Rooms, event_id: bytes) -> EntryStatus:
    found = await rooms.database.read(lambda c: outbox.status(c, event_id))
    assert found is not None
    return found


async def relayed(rooms: Rooms) -> None:
    """All that is on the ledger, from the beginning."""
    sweep = Sweep(rooms.mirror, rooms.terms.devnet.operator_id, cursor_ns=0)
    async with asyncio.timeout(DEADLINE_S):
        while await rooms.database.read(lambda c: c.execute(OPEN).first()):
            await rooms.inbound.round(sweep)


async def test_what_a_sealed_frame_held_is_confirmed_by_its_flight(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", "77", sealed=True)
    await rooms.carry("c1")
    ids = (await rooms.accept(change(n="1"), change(n="2" * 3000), change(n="3", user_id="88"))).ids
    await rooms.database.write(lambda c: closing.intend(c, "c1", rooms.at_rest, api_key="", now_ms=5))
    await rooms.carry("c1")
    await relayed(rooms)
    [news] = rooms.news
    found = [await status(rooms, event_id) for event_id in ids]
    last = news.publication.offset // 1000
    assert [(each.sequence, each.index) for each in found] == [(last, 0), (last, 1), (last, 2)]
    registered = await rooms.database.read(lambda c: registry.find(c, "c1"))
    assert registered is not None
    assert registered.state is TopicState.CLOSED


async def test_where_the_outbox_knows_no_flight_the_frame_is_opened_to_be_checked(rooms: Rooms) -> None:
    """A database put back from a copy: the entry waits, and the ledger has it already."""
    await rooms.ingest.register("c1", "77", sealed=True)
    await rooms.carry("c1")
    [event_id] = (await rooms.accept(change(n="1"))).ids
    await rooms.carry("c1")

    def forget(connection: Connection) -> None:
        connection.execute(transactions.update().values(message=b"", sequence=None, running_hash=None))
        connection.execute(entries.update().values(flight_id=None, state="waiting"))

    await rooms.database.write(forget)
    await relayed(rooms)
    [news] = rooms.news
    assert (await status(rooms, event_id)).sequence == news.publication.offset // 1000 == 2
