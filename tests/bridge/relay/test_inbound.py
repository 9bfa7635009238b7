"""The inbound corridor on a devnet: everything once, in order, across restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge.crossing import recognise
from bridge.publish.outbox import EntryState
from bridge.relay import progress
from bridge.relay.handing import Handing
from bridge.relay.inbound import Inbound
from bridge.relay.store import News
from tests.bridge.relay.bent_mirror import bent, cursor, ids, publish, stored, told
from tests.footing import Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.mirror.sweep import Sweep

LONG = "x" * 2_000


async def test_what_was_published_is_relayed_and_confirmed_in_order(rooms: Rooms) -> None:
    async with going(rooms):
        accepted = [(await rooms.accept(change("c1"), change("c2"), change("c1", text=LONG))).ids for _ in range(5)]
        await until(lambda: len(rooms.news) == 15)
    assert ids(rooms.news, "c1") == [id_ for each in accepted for id_ in (each[0], each[2])]
    assert ids(rooms.news, "c2") == [each[1] for each in accepted]
    assert {await rooms.state(id_) for each in accepted for id_ in each} == {EntryState.CONFIRMED}
    for ref in ("c1", "c2"):
        offsets = [offset for offset, _ in told(rooms.news, ref)]
        assert offsets == sorted(set(offsets)) == await stored(rooms, ref)


async def test_a_restart_resumes_exactly(terms: Terms) -> None:
    """Stopped and started at every stage, in small batches, with chunked frames."""
    accepted: list[bytes] = []
    news: list[News] = []
    for _ in range(4):
        async with rooms_on(terms) as rooms:
            accepted += await publish(rooms, "c1", text=LONG)
            accepted += await publish(rooms, "c1")
            relay, _ = await bent(rooms, batch_messages=2)
            await relay.round(rooms.sweep)
            news += rooms.news
    assert ids(news, "c1") == accepted
    async with rooms_on(terms) as rooms:
        await rooms.inbound.round(rooms.sweep)
        assert rooms.news == []
        assert await stored(rooms, "c1") == [offset for offset, _ in told(news, "c1")]


async def test_a_restart_in_the_middle_of_a_chunked_frame(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        accepted = await publish(rooms, "c1", text=LONG)
        topic_id = await rooms.topic("c1")
        relay, mirror = await bent(rooms)
        mirror.bend(topic_id, lambda shown: [message for message in shown if message.sequence <= 3])
        await relay.round(rooms.sweep)
        assert rooms.news == []
        found = await rooms.database.read(lambda c: progress.of(c, topic_id))
        assert (found.resume.sequence, found.opened_sequence) == (1, 3)
    async with rooms_on(terms) as rooms:
        await rooms.inbound.round(rooms.sweep)
        assert ids(rooms.news, "c1") == list(accepted)


async def test_messages_of_ours_in_foreign_topics_are_left_alone(rooms: Rooms) -> None:
    await publish(rooms, "c1")
    other = replace(rooms.terms, path=rooms.terms.path.with_name("other.db"))
    async with rooms_on(other) as stranger:
        await stranger.inbound.round(stranger.sweep)
        assert stranger.news == []
        assert await cursor(stranger) == stranger.sweep.reached_ns


async def test_few_tails_are_held_open_and_all_topics_read(rooms: Rooms) -> None:
    refs = [f"c{number}" for number in range(6)]
    relay, _ = await bent(rooms, max_open_topics=2, max_parallel_topics=3)
    accepted = [await publish(rooms, *refs) for _ in range(2)]
    await relay.round(rooms.sweep)
    accepted.append(await publish(rooms, *refs))
    await relay.round(rooms.sweep)
    assert len(relay._followed) <= 2
    for number, ref in enumerate(refs):
        assert ids(rooms.news, ref) == [each[number] for each in accepted]


async def test_a_sweep_from_the_beginning_repeats_nothing(rooms: Rooms) -> None:
    await publish(rooms, "c1", "c2")
    await rooms.inbound.round(rooms.sweep)
    relayed = len(rooms.news)
    await rooms.inbound.round(Sweep(rooms.mirror, rooms.terms.devnet.operator_id, cursor_ns=0))
    assert len(rooms.news) == relayed == 2


async def test_the_outbox_and_the_store_move_in_one_transaction(rooms: Rooms) -> None:
    [id_] = await publish(rooms, "c1")

    def refuse(_connection: Connection, _batches: Any) -> list[None]:
        raise KeyError("the outbox")

    handing = Handing(recognise, refuse, rooms.news.extend)
    relay = Inbound(
        sections.Relay(), rooms.database, rooms.store, rooms.leases, reading=rooms.inbound._reading, handing=handing
    )
    with pytest.raises(ExceptionGroup):
        await relay.round(rooms.sweep)
    assert (rooms.news, await stored(rooms, "c1")) == ([], [])
    await rooms.inbound.round(rooms.sweep)
    assert await rooms.state(id_) is EntryState.CONFIRMED
