"""Our own messages wait among the events, and nobody can subscribe to them."""

from __future__ import annotations

from bridge.protocol.wire.control import Close, Control
from bridge.publish import outbox, own_messages
from bridge.publish.bodies import open_element
from tests.rooms import Rooms, change


async def test_a_message_waits_behind_what_was_accepted(rooms: Rooms) -> None:
    [first] = (await rooms.accept(change())).ids
    own = await rooms.database.write(
        lambda c: own_messages.put(c, "c1", ("close", Close()), rooms.at_rest, api_key="ops", now_ms=5)
    )
    waiting = await rooms.database.read(lambda c: outbox.waiting(c, "c1", limit=9))
    assert [entry.event_id for entry in waiting] == [first, own]
    assert [own_messages.is_of_kind(entry, "close") for entry in waiting] == [False, True]
    assert open_element(rooms.at_rest, own, waiting[1].body) == Control(own, 5, Close())
