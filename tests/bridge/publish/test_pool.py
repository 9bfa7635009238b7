"""A topic out of the pool is handed to one campaign, once, and only if it is what one made now would be."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert

from bridge.offline import campaign_view
from bridge.publish import id_records
from bridge.publish.outbox import EntryState
from bridge.publish.pool import POOL, Place, Pool, PoolIntents
from bridge.publish.purse import Purse
from bridge.schema import pool, registry
from tests.bridge.publish.topic_counts import check_none_leaked, in_pool, on_devnet
from tests.footing import Terms
from tests.rooms import QUICK_TOPICS, TOPIC_TERMS, WINDOW_S, Rooms, change, going, rooms_on, until
from topics.registry import TopicState
from topics.values import TopicId

KEY = bytes(32)
OURS = Pool.of(TOPIC_TERMS, KEY)


def ready(connection: Connection, number: int, *, terms: bytes = OURS.terms) -> TopicId:
    topic_id = TopicId(0, 0, 1000 + number)
    place = {"payer": "0.0.2", "valid_start_ns": number}
    connection.execute(insert(pool).values(number=number, terms=terms, topic_id=str(topic_id), **place))
    return topic_id


def test_each_goes_to_one_campaign_the_oldest_first(connection: Connection) -> None:
    first, second = ready(connection, 1), ready(connection, 2)
    assert [OURS.take(connection, ref) for ref in ("c1", "c2")] == [first, second]
    assert OURS.take(connection, "c1") is None
    found = registry.find(connection, "c1")
    assert found is not None
    assert (found.topic_id, found.state) == (first, TopicState.CREATED)


@pytest.mark.parametrize(
    "other",
    [
        Pool.of(TOPIC_TERMS, bytes(31) + b"1"),
        Pool.of(replace(TOPIC_TERMS, admin_key=True), KEY),
        Pool.of(replace(TOPIC_TERMS, memo="another"), KEY),
        Pool.of(replace(TOPIC_TERMS, auto_renew_s=2_592_000), KEY),
    ],
    ids=["submit key", "admin key", "memo", "renewal"],
)
def test_one_of_other_terms_stays_where_it_is(connection: Connection, other: Pool) -> None:
    topic_id = ready(connection, 1)
    assert other.take(connection, "c1") is None
    assert other.unusable(connection) == 1
    assert len(other.due(connection, size=1)) == 1
    assert OURS.take(connection, "c1") == topic_id


def test_what_a_topic_may_cost_is_no_term_of_it() -> None:
    assert Pool.of(replace(TOPIC_TERMS, max_fee_tinybar=1), KEY) == OURS


def test_an_operator_sees_what_is_ready_and_what_is_not(connection: Connection) -> None:
    first, other = ready(connection, 1), ready(connection, 2, terms=b"of another config")
    connection.execute(insert(pool).values(number=3, payer="0.0.2", valid_start_ns=3, terms=OURS.terms))
    assert OURS.places(connection) == [
        Place(1, str(first), "ready"), Place(2, str(other), "of other terms"), Place(3, None, "being made"),
    ]  # fmt: skip


def test_what_was_begun_is_finished_whatever_the_size(connection: Connection) -> None:
    connection.execute(insert(pool).values(number=7, payer="0.0.2", valid_start_ns=1, terms=b"of another config"))
    assert OURS.due(connection, size=0) == [7]
    assert OURS.due(connection, size=3) == [7, 8, 9]
    ready(connection, 12)
    assert OURS.due(connection, size=3) == [7, 13]


def intents_of(rooms: Rooms) -> PoolIntents:
    return PoolIntents(rooms.database, rooms.ids, OURS, valid_duration_s=WINDOW_S, purse=Purse())


async def test_the_intent_outlives_the_process_and_a_spent_one_makes_room(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        before = await intents_of(rooms).intent("1")
    async with rooms_on(terms) as rooms:
        intents = intents_of(rooms)
        assert await intents.intent("1") == before
        assert not isinstance(before, TopicId)
        await intents.spent(before.id, "NEVER_RAN")
        assert await rooms.database.read(lambda c: OURS.due(c, size=0)) == []
        second = await intents.intent("1")
        assert not isinstance(second, TopicId)
        assert second.id.valid_start_ns > before.id.valid_start_ns
        await intents.created("1", second.id, TopicId(0, 0, 7))
        assert await intents.intent("1") == TopicId(0, 0, 7)
        assert await in_pool(rooms) == [TopicId(0, 0, 7)]


async def test_the_name_it_is_booked_under_is_no_campaign(rooms: Rooms) -> None:
    await intents_of(rooms).intent("1")
    assert await rooms.database.read(lambda c: list(registry.all(c))) == []
    assert await rooms.database.read(registry.refs_unready) == []
    assert await rooms.database.read(lambda c: campaign_view(c, POOL)) is None


async def test_campaigns_at_the_same_moment_never_share_a_topic(terms: Terms) -> None:
    async with rooms_on(terms, topics=QUICK_TOPICS.model_copy(update={"pool_size": 3})) as rooms:
        async with going(rooms, "filling"):
            await until(lambda: is_full(rooms, 3))
        refs = [f"c{number}" for number in range(10)]
        async with going(rooms, "submitter"):
            accepted = await asyncio.gather(*(rooms.accept(change(ref)) for ref in refs))
            await until(lambda: all_submitted(rooms, [found.ids[0] for found in accepted]))
        assert len(on_devnet(rooms)) == 10
        await check_none_leaked(rooms)
        for ref in refs:
            assert len(await rooms.on_ledger(ref)) == 1


async def test_with_a_ready_topic_nothing_but_the_manifest_is_between_a_campaign_and_its_event(terms: Terms) -> None:
    async with rooms_on(terms, topics=QUICK_TOPICS.model_copy(update={"pool_size": 1})) as rooms:
        async with going(rooms, "filling"):
            await until(lambda: is_full(rooms, 1))
        [topic_id] = on_devnet(rooms)
        await rooms.accept(change())
        assert await rooms.topic("c1") == topic_id
        assert await rooms.database.read(lambda c: id_records.pending_creation(c, "c1")) is None
        await rooms.carry("c1")
        messages = await rooms.mirror.messages(topic_id, after=0)
        assert len(messages) == 2
        assert on_devnet(rooms) == {topic_id}


async def is_full(rooms: Rooms, size: int) -> bool:
    return len(await in_pool(rooms)) == size


async def all_submitted(rooms: Rooms, ids: list[bytes]) -> bool:
    return all([await rooms.state(id_) is EntryState.SUBMITTED for id_ in ids])
