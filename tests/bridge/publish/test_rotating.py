"""A rotation takes its place in the order and holds from the next frame on, once, also across crashes and refusals."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select

from bridge.errors import CampaignRefused, KeyMissing
from bridge.keys.ring import CampaignKeys, campaign_owner
from bridge.protocol.values import TopicContext
from bridge.protocol.wire.control import Control, Rotation
from bridge.protocol.wire.epochs import Epoch, KeyTable
from bridge.protocol.wire.frame import open_frame
from bridge.publish import closing, mending
from bridge.publish.mending import Hand
from bridge.publish.outbox import EntryState
from bridge.publish.rotating import KIND, RotateAfter, rotate
from bridge.schema import entries, epochs, transactions
from tests.bridge.publish.killing import Axe, Killed, under
from tests.footing import NETWORK, Terms
from tests.rooms import Rooms, change, going, rooms_on, until


async def rotated(rooms: Rooms, ref: str = "c1", by: str = "backend") -> bytes:
    return await rooms.database.write(
        lambda c: rotate(c, ref, rooms.at_rest, api_key=by, now_ms=rooms.terms.clock.ms())
    )


async def held(rooms: Rooms) -> list[Epoch]:
    """The campaign's epochs, oldest first."""

    def read(connection: Connection) -> list[Epoch]:
        kids = connection.execute(
            select(epochs.c.kid).where(epochs.c.owner == campaign_owner("c1")).order_by(epochs.c.number)
        ).scalars()
        found = [rooms.ring.find(connection, campaign_owner("c1"), kid) for kid in kids]
        return [epoch for epoch in found if epoch is not None]

    return await rooms.database.read(read)


async def kids_on_ledger(rooms: Rooms) -> list[bytes]:
    """Under which epoch each frame of the campaign is sealed, in order."""
    topic_id = await rooms.topic("c1")
    keys = await rooms.database.read(lambda c: {e.kid: e for e in _all(CampaignKeys(rooms.ring, c, "c1"), c)})
    messages = (await rooms.mirror.messages(topic_id, after=0))[1:]
    opened = [
        open_frame(m.message, context=TopicContext(NETWORK, topic_id, True), keys=KeyTable(epochs=tuple(keys.values())))
        for m in messages
    ]
    return [frame.kid for frame in opened]


def _all(keys: CampaignKeys, connection: Connection) -> Sequence[Epoch]:
    kids = connection.execute(select(epochs.c.kid)).scalars().all()
    return [Epoch(kid, key) for kid in kids if (key := keys.epoch(kid)) is not None]


async def test_it_holds_from_the_next_frame_on(rooms: Rooms) -> None:
    ids = list((await rooms.accept(change(n="1"))).ids)
    await rotated(rooms, by="ops")
    ids += (await rooms.accept(change(n="2"))).ids
    await rooms.carry("c1")
    assert len(await held(rooms)) == 2
    ids += (await rooms.accept(change(n="3"))).ids
    await rooms.carry("c1")
    first, second = await held(rooms)
    assert await kids_on_ledger(rooms) == [first.kid, second.kid]
    async with going(rooms):
        await until(lambda: len(rooms.news) == 3)
    assert [event.id for event in await rooms.on_ledger("c1")] == ids
    found = select(entries.c.kind, entries.c.state).order_by(entries.c.id)
    assert await rooms.database.read(lambda c: [tuple(row) for row in c.execute(found)]) == [
        ("event", "confirmed"), (KIND, "confirmed"), ("event", "confirmed"), ("event", "confirmed"),
    ]  # fmt: skip
    made = await rooms.database.read(lambda c: c.execute(select(epochs.c.since, epochs.c.made_by)).all())
    assert (1, "ops") in [tuple(row) for row in made]


async def test_who_holds_the_old_key_opens_nothing_behind_it(rooms: Rooms) -> None:
    """A reader that was revoked keeps what it had."""
    await rooms.accept(change(n="1"))
    await rooms.carry("c1")
    [old] = await held(rooms)
    await rotated(rooms)
    await rooms.carry("c1")
    await rooms.accept(change(n="2"))
    await rooms.carry("c1")
    assert await kids_on_ledger(rooms) == [old.kid, old.kid, (await held(rooms))[1].kid]
    topic_id = await rooms.topic("c1")
    messages = [m.message for m in (await rooms.mirror.messages(topic_id, after=0))[1:]]
    new = (await held(rooms))[1].key
    assert all(new not in message for message in messages)
    context = TopicContext(NETWORK, topic_id, True)
    said = open_frame(messages[1], context=context, keys=KeyTable(epochs=(old,))).events
    [control] = said
    assert isinstance(control, Control)
    assert control.body == Rotation((await held(rooms))[1].kid, None)  # the key itself isn't told under the old one
    with pytest.raises(KeyMissing):
        open_frame(messages[2], context=context, keys=KeyTable(epochs=(old,)))


async def test_one_that_waits_already_serves_and_a_parked_one_waits_again(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    first = await rotated(rooms)
    assert await rotated(rooms) == first
    parked = entries.update().values(state=EntryState.PARKED, reason="why")
    await rooms.database.write(lambda c: c.execute(parked))
    assert await rotated(rooms) == first
    assert await rooms.state(first) is EntryState.WAITING
    await rooms.carry("c1")
    assert await rotated(rooms) != first


async def test_what_cannot_be_rotated_is_refused(rooms: Rooms) -> None:
    with pytest.raises(CampaignRefused, match="is not registered"):
        await rotated(rooms, "nobody")
    await rooms.ingest.register("c1", None)
    await rooms.database.write(lambda c: closing.intend(c, "c1", rooms.at_rest, api_key="a", now_ms=1))
    with pytest.raises(CampaignRefused, match="is closing: nothing more is sealed") as refused:
        await rotated(rooms)
    assert refused.value.status == 409


async def test_refused_with_its_frame_it_never_held_and_can_be_sent_again(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    await rooms.carry("c1")
    [first] = await held(rooms)
    rotation = await rotated(rooms)
    await rooms.database.write_together(rooms.loader.load, "c1")
    assert len(await held(rooms)) == 2
    await rooms.database.write(
        lambda c: c.execute(transactions.update().where(transactions.c.state == "intended").values(message=b""))
    )
    await rooms.carry("c1")  # the network takes no empty message
    assert await rooms.state(rotation) is EntryState.PARKED
    assert await held(rooms) == [first]
    await rooms.accept(change(n="1"))
    await rooms.carry("c1")
    await rooms.database.write(lambda c: mending.retry(c, [rotation], Hand("ops", 1)))
    await rooms.carry("c1")
    await rooms.accept(change(n="2"))
    await rooms.carry("c1")
    assert await kids_on_ledger(rooms) == [first.kid, first.kid, (await held(rooms))[1].kid]
    assert len(await rooms.on_ledger("c1")) == 2


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_it_is_on_the_ledger_once(terms: Terms, after: bool) -> None:
    async with rooms_on(terms) as rooms:
        ids = list((await rooms.accept(change(n="1"))).ids)
        await rotated(rooms)
        ids += (await rooms.accept(change(n="2"))).ids
    for step in range(1, 6):
        async with rooms_on(terms, max_events_per_frame=1) as rooms:
            with suppress(Killed):
                await under(Axe(step, after), rooms).advance("c1")
    async with rooms_on(terms, max_events_per_frame=1) as rooms:
        await rooms.carry("c1")
        assert [event.id for event in await rooms.on_ledger("c1")] == ids
        first, second = await held(rooms)
        assert await kids_on_ledger(rooms) == [first.kid, first.kid, second.kid]


async def test_by_count_of_frames_it_rotates_itself_with_what_is_sent_anyway(rooms: Rooms) -> None:
    loader = replace(rooms.loader, rotate_after=RotateAfter(rotate_after_frames=2))
    carrier = replace(rooms.carrier, loader=loader)
    ids: list[bytes] = []
    for number in range(5):
        ids += (await rooms.accept(change(n=str(number)))).ids
        while await carrier.advance("c1"):
            pass
    assert [event.id for event in await rooms.on_ledger("c1")] == ids
    first, second, third = await held(rooms)
    assert await kids_on_ledger(rooms) == [first.kid, first.kid, second.kid, second.kid, third.kid]


async def test_by_age_only_when_there_is_something_to_send(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        carrier = replace(rooms.carrier, loader=replace(rooms.loader, rotate_after=RotateAfter(rotate_after_days=1)))
        await rooms.accept(change(n="1"))
        await carrier.advance("c1")
        await carrier.advance("c1")
        terms.clock.forward(86_400)
        assert await carrier.advance("c1") is False
        assert len(await held(rooms)) == 1
        await rooms.accept(change(n="2"))
        await carrier.advance("c1")
        assert len(await held(rooms)) == 2
