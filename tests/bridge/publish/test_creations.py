"""Creation intents on disk: one pending a campaign, under an id that outlives the process."""

from __future__ import annotations

import asyncio

from bridge.publish import id_records
from bridge.publish.creations import Creations
from bridge.schema import registry
from tests.footing import Terms
from tests.rooms import Rooms, rooms_on
from topics.creator import Intent
from topics.registry import TopicState
from topics.values import TopicId


async def creations(rooms: Rooms) -> Creations:
    await rooms.ingest.register("c1", None)
    return Creations(rooms.database, rooms.ids, valid_duration_s=120)


async def intended(intents: Creations) -> Intent:
    found = await intents.intent("c1")
    assert isinstance(found, Intent)
    return found


async def test_the_intent_is_the_same_until_it_is_spent(rooms: Rooms) -> None:
    intents = await creations(rooms)
    first = await intended(intents)
    assert await intents.intent("c1") == first
    await intents.spent(first.id, "NEVER_RAN")
    second = await intended(intents)
    assert second.id.valid_start_ns > first.id.valid_start_ns


async def test_callers_at_the_same_moment_get_one_intent(rooms: Rooms) -> None:
    intents = await creations(rooms)
    assert len(set(await asyncio.gather(*(intents.intent("c1") for _ in range(20))))) == 1


async def test_the_intent_outlives_the_process_and_ids_go_on_behind_it(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        before = await intended(await creations(rooms))
    async with rooms_on(terms) as rooms:
        assert await (await creations(rooms)).intent("c1") == before
        assert rooms.ids.next().valid_start_ns > before.id.valid_start_ns


async def test_the_window_on_record_is_the_one_it_was_made_with(terms: Terms) -> None:
    """A shorter one from a later configuration would call a transaction dead that may still run."""
    async with rooms_on(terms) as rooms:
        before = await intended(await creations(rooms))
        shorter = Creations(rooms.database, rooms.ids, valid_duration_s=15)
        assert await shorter.intent("c1") == before


async def test_a_campaign_that_has_its_topic_gets_no_other_intent(rooms: Rooms) -> None:
    intents = await creations(rooms)
    intent = await intended(intents)
    await intents.created("c1", intent.id, TopicId(0, 0, 7))
    assert await intents.intent("c1") == TopicId(0, 0, 7)


async def test_the_topic_is_kept_once(rooms: Rooms) -> None:
    intents = await creations(rooms)
    intent = await intended(intents)
    await intents.created("c1", intent.id, TopicId(0, 0, 7))
    await intents.created("c1", intent.id, TopicId(0, 0, 8))
    registration = await rooms.database.read(lambda c: registry.find(c, "c1"))
    assert registration is not None
    assert (registration.topic_id, registration.state) == (TopicId(0, 0, 7), TopicState.CREATED)
    assert await rooms.database.read(lambda c: id_records.pending_creation(c, "c1")) is None
