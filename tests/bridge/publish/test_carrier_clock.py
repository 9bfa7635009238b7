"""Our clock is wrong: what nodes and the mirror say corrects it, and nothing waits for it to come true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.publish.outbox import EntryState
from tests.footing import Clock, Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.errors import StartInFuture

HOUR_NS = 3600 * 10**9


async def arrives(rooms: Rooms, ref: str, event_id: bytes) -> None:
    async def submitted() -> bool:
        return await rooms.state(event_id) is EntryState.SUBMITTED

    async with going(rooms, "submitter"):
        await until(submitted)
    assert [event.id for event in await rooms.on_ledger(ref)][-1] == event_id


async def test_an_hour_ahead_topics_and_frames_go_all_the_same(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        [id_] = (await rooms.accept(change("c1"))).ids
        await arrives(rooms, "c1", id_)
    async with rooms_on(replace(terms, clock=Clock(HOUR_NS))) as rooms:
        for ref in ("c1", "c2"):
            [id_] = (await rooms.accept(change(ref))).ids
            await arrives(rooms, ref, id_)
    async with rooms_on(terms) as rooms:  # the clock is right again, and ids on record lie an hour ahead
        [id_] = (await rooms.accept(change("c1"))).ids
        await arrives(rooms, "c1", id_)
    assert len(terms.devnet.network.state.topics) == 2


async def test_an_id_that_a_crash_left_is_not_given_up_without_proof(terms: Terms) -> None:
    """Nobody knows any more whether it was sent."""
    ahead = replace(terms, clock=Clock(HOUR_NS))
    async with rooms_on(ahead) as rooms:
        await rooms.accept(change("c1"))
        with pytest.raises(StartInFuture):
            await rooms.carrier.advance("c1")
        await rooms.creator._intents.intent("c1")  # a new one, on record; and a crash
    async with rooms_on(ahead) as rooms:
        left = await rooms.creator._intents.intent("c1")
        for _ in range(2):
            try:
                await rooms.carrier.advance("c1")
            except StartInFuture:
                assert await rooms.creator._intents.intent("c1") == left


async def test_ten_minutes_behind_the_mirror_puts_it_right(terms: Terms) -> None:
    async with rooms_on(replace(terms, clock=Clock(-590 * 10**9))) as rooms:
        [id_] = (await rooms.accept(change("c1"))).ids
        await rooms.mirror.latest_consensus_ns()
        await arrives(rooms, "c1", id_)
