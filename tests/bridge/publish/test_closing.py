"""The end of a campaign: its final message comes last, once, and nothing gets in behind it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest

from bridge.errors import CampaignRefused
from bridge.publish import closing
from bridge.publish.outbox import EntryState
from bridge.schema import entries, flights, registry
from tests.bridge.publish.killing import Axe, Killed, under
from tests.footing import Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.registry import TopicState


async def close(rooms: Rooms, ref: str = "c1") -> None:
    await rooms.database.write(lambda c: closing.intend(c, ref, rooms.at_rest, api_key="backend", now_ms=5))


async def states(rooms: Rooms) -> list[tuple[str, str]]:
    """Kind and state of everything in the outbox, in the order of acceptance."""
    found = entries.select().order_by(entries.c.id)
    return [(row.kind, row.state) for row in await rooms.database.read(lambda c: c.execute(found).all())]


async def topic_state(rooms: Rooms) -> TopicState:
    found = await rooms.database.read(lambda c: registry.find(c, "c1"))
    assert found is not None
    return found.state


async def test_what_was_accepted_goes_first_and_nothing_is_accepted_behind_it(rooms: Rooms) -> None:
    ids = list((await rooms.accept(change(n="1"), change(n="2"))).ids)
    await close(rooms)
    with pytest.raises(CampaignRefused, match="campaign c1 is closing: its final message is on its way") as refused:
        await rooms.accept(change(n="3"))
    assert refused.value.status == 409
    async with going(rooms):
        await until(lambda: closed(rooms))
    assert [event.id for event in await rooms.on_ledger("c1")] == ids
    assert await states(rooms) == [("event", "confirmed"), ("event", "confirmed"), (closing.KIND, "confirmed")]
    with pytest.raises(CampaignRefused, match="is closed"):
        await rooms.accept(change(n="4"))
    assert await rooms.carrier.advance("c1") is False


async def closed(rooms: Rooms) -> bool:
    return await topic_state(rooms) is TopicState.CLOSED


async def test_closing_twice_is_closing_once(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    for _ in range(2):
        await close(rooms)
    await rooms.carry("c1")
    await close(rooms)
    assert await states(rooms) == [(closing.KIND, "submitted")]
    await rooms.database.write(lambda c: closing.landed(c, "c1"))
    assert await closed(rooms)


async def test_without_a_receipt_it_has_not_landed(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    await close(rooms)
    await rooms.database.write(lambda c: closing.landed(c, "c1"))
    assert not await closed(rooms)
    assert not await rooms.database.read(lambda c: closing.has_left(c, "c1"))


async def test_what_is_no_campaign_is_not_closed(rooms: Rooms) -> None:
    await rooms.accept(change(None, user_id="7"))
    for ref in ("nobody", "_account"):
        with pytest.raises(CampaignRefused, match="is not registered"):
            await close(rooms, ref)


async def test_parked_with_its_frame_it_is_sent_again_by_closing_again(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    await close(rooms)
    parked = entries.update().values(state=EntryState.PARKED, reason="why")
    await rooms.database.write(lambda c: c.execute(parked))
    await close(rooms)
    assert await states(rooms) == [(closing.KIND, "waiting")]


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_step_it_is_on_the_ledger_once(terms: Terms, after: bool) -> None:
    """The mirror may show the final message before its receipt is on disk: the flight is finished all the same."""
    async with rooms_on(terms) as rooms:
        ids = list((await rooms.accept(change(n="1"))).ids)
        await rooms.carry("c1")
        await close(rooms)
    for step in range(1, 6):
        async with rooms_on(terms) as rooms:
            with suppress(Killed):
                await under(Axe(step, after), rooms).advance("c1")
            if len(await rooms.mirror.messages(await rooms.topic("c1"), after=0)) == 3:
                async with going(rooms, "inbound"):
                    await until(partial(closed, rooms))
    async with rooms_on(terms) as rooms:
        await rooms.carry("c1")
        async with going(rooms, "inbound"):
            await until(lambda: closed(rooms))
        open_flights = flights.select().where(flights.c.state == "open")
        assert await rooms.database.read(lambda c: c.execute(open_flights).all()) == []
        messages = await rooms.mirror.messages(await rooms.topic("c1"), after=0)
        assert len(messages) == 3  # the manifest, the event, the end
        assert [event.id for event in await rooms.on_ledger("c1")] == ids
        assert await rooms.carrier.advance("c1") is False
