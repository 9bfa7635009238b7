"""The topics that are being read: as many as agreed, each as far as it is stored."""

from __future__ import annotations

import asyncio

from bridge.relay.followed import FollowedTopics
from tests.bridge.relay.bent_mirror import publish
from tests.rooms import Rooms
from topics.values import TopicId


async def test_the_topics_read_last_are_held_and_no_others(rooms: Rooms) -> None:
    await publish(rooms, "c1", "c2", "c3")
    await rooms.inbound.round(rooms.sweep)
    topics = [await rooms.topic(ref) for ref in ("c1", "c2", "c3")]
    followed = FollowedTopics(rooms.database, rooms.rules, max_open_topics=2)
    for topic_id in topics:
        found = await followed.at(topic_id)
        assert found is not None
        assert found.tail.position.sequence == 2
    assert len(followed) == 2
    assert [followed.stored(topic_id) for topic_id in topics] == [0, 2, 2]
    followed.drop(topics[2])
    assert followed.stored(topics[2]) == 0
    assert await followed.at(TopicId(0, 0, 99)) is None


async def test_two_readers_of_a_topic_take_turns_and_those_of_others_do_not(rooms: Rooms) -> None:
    followed = FollowedTopics(rooms.database, rooms.rules, max_open_topics=2)
    one, other = TopicId(0, 0, 1), TopicId(0, 0, 2)
    async with followed.turn(one):
        assert followed.turn(one).locked()
        assert not followed.turn(other).locked()
    assert not followed.turn(one).locked()
    await asyncio.wait_for(followed.turn(one).acquire(), 1)
