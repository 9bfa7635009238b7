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
    followed = FollowedTopics(rooms.database, rooms.rules, rooms.leases.is_mine, max_open_topics=2)
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
    followed = FollowedTopics(rooms.database, rooms.rules, rooms.leases.is_mine, max_open_topics=2)
    one, other = TopicId(0, 0, 1), TopicId(0, 0, 2)
    async with followed.turn(one):
        assert followed.turn(one).locked()
        assert not followed.turn(other).locked()
    assert not followed.turn(one).locked()
    await asyncio.wait_for(followed.turn(one).acquire(), 1)


async def test_what_others_read_now_is_left_once_nobody_here_is_at_it(rooms: Rooms) -> None:
    await publish(rooms, "c1", "c2")
    await rooms.inbound.round(rooms.sweep)
    one, other = await rooms.topic("c1"), await rooms.topic("c2")
    mine = {"c1", "c2"}
    followed = FollowedTopics(rooms.database, rooms.rules, mine.__contains__, max_open_topics=2)
    assert await followed.at(other) is not None
    async with followed.turn(one):
        assert await followed.at(one) is not None
        mine.remove("c1")
        leaving = asyncio.create_task(followed.left())
        await asyncio.sleep(0)
        assert not leaving.done()
    await leaving
    assert (len(followed), await followed.at(one)) == (1, None)
    mine.add("c1")
    again = await followed.at(one)  # from what is stored by now, whoever stored it
    assert again is not None
    assert again.tail.position.sequence == 2
