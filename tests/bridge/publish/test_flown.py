"""What a flight carried is known without its frame being opened, and lands as a whole."""

from __future__ import annotations

from sqlalchemy import select

from bridge.protocol.wire.control import Close, Control
from bridge.protocol.wire.frame import Sealed
from bridge.publish import closing, flown, outbox
from bridge.publish.flown import Landing
from bridge.publish.outbox import EntryState
from bridge.schema import entries
from tests.rooms import Rooms, change


async def carried(rooms: Rooms) -> int:
    """Two events, one of several chunks, and the final message, in one frame."""
    await rooms.ingest.register("c1", None)
    await rooms.carry("c1")
    await rooms.accept(change(n="1"), change(n="2" * 2000))
    await rooms.database.write(lambda c: closing.intend(c, "c1", rooms.at_rest, api_key="", now_ms=5))
    await rooms.carry("c1")
    flight_id = await rooms.database.read(lambda c: c.execute(entries.select()).first())
    assert flight_id is not None
    return int(flight_id.flight_id)


async def test_the_frame_is_what_went_out(rooms: Rooms) -> None:
    flight_id = await carried(rooms)
    frame = await rooms.database.read(lambda c: flown.frame_of(c, flight_id))
    topic_id = await rooms.topic("c1")
    messages = await rooms.mirror.messages(topic_id, after=1)
    assert len(messages) == 3
    assert b"".join(message.message for message in messages) == frame


async def test_only_messages_of_our_own_are_opened(rooms: Rooms) -> None:
    flight_id = await carried(rooms)
    elements = await rooms.database.read(lambda c: flown.elements_of(c, flight_id, rooms.at_rest))
    assert elements[:2] == (Sealed(b""), Sealed(b""))
    [final] = elements[2:]
    assert isinstance(final, Control)
    assert final.body == Close()


async def test_what_is_in_a_flight_lands_with_it(rooms: Rooms) -> None:
    flight_id = await carried(rooms)
    [other] = (await rooms.accept(change("c2", n="1"))).ids
    await rooms.database.write(lambda c: flown.landed(c, [Landing(flight_id, "0.0.7", 4, 99)]))
    columns = (entries.c.state, entries.c.topic_id, entries.c.sequence, entries.c["index"], entries.c.consensus_ns)
    rows = await rooms.database.read(lambda c: c.execute(select(*columns).order_by(entries.c.id)).all())
    assert rows[:3] == [("confirmed", "0.0.7", 4, index, 99) for index in range(3)]
    status = await rooms.database.read(lambda c: outbox.status(c, other))
    assert status is not None
    assert status.state is EntryState.WAITING
