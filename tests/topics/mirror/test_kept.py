"""Messages that many ask for cost one request, and no more are kept than may be."""

from __future__ import annotations

import asyncio

import pytest

from tests.topics.client import Client
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault, Field
from topics.errors import Unavailable
from topics.mirror.kept import KeptMessages
from topics.values import TopicId


def kept(client: Client, *, max_messages: int = 1000) -> KeptMessages:
    return KeptMessages(client.mirror, max_messages=max_messages, max_requests=4)


async def filled(client: Client, count: int) -> TopicId:
    topic_id = await client.topic()
    await asyncio.gather(*(client.write(topic_id, b"%d" % number) for number in range(count)))
    return topic_id


async def test_a_thousand_readers_of_one_message_are_one_request(client: Client) -> None:
    topic_id, messages = await filled(client, 3), kept(client)
    before = client.mirror.requests
    found = await asyncio.gather(*(messages.read(topic_id, 3, 3) for _ in range(1000)))
    assert [message.sequence for message in found[0]] == [3]
    assert all(each == found[0] for each in found)
    await messages.read(topic_id, 1, 3)
    assert client.mirror.requests - before == 1


async def test_only_what_came_since_is_asked_for(client: Client) -> None:
    topic_id, messages = await filled(client, 3), kept(client)
    await messages.read(topic_id, 1, 3)
    await client.write(topic_id, b"new")
    before = client.mirror.requests
    found = await messages.read(topic_id, 1, 4)
    assert found == await client.mirror.messages(topic_id, after=0)
    await messages.read(topic_id, 4, 4)
    assert client.mirror.requests - before == 2


async def test_a_range_over_several_pages(client: Client) -> None:
    topic_id, messages = await filled(client, 130), kept(client)
    assert [message.sequence for message in await messages.read(topic_id, 99, 102)] == [99, 100, 101, 102]
    assert [message.sequence for message in await messages.read(topic_id, 125, 400)] == [*range(125, 131)]
    assert len(messages) == 130


async def test_no_more_are_kept_than_may_be(client: Client) -> None:
    topics, messages = [await filled(client, 4) for _ in range(4)], kept(client, max_messages=9)
    for topic_id in topics:
        await messages.read(topic_id, 1, 4)
    assert len(messages) == 8
    before = client.mirror.requests
    await messages.read(topics[3], 1, 4)
    assert client.mirror.requests == before
    await messages.read(topics[0], 1, 4)  # the one asked for longest ago went
    assert client.mirror.requests == before + 1


async def test_what_does_not_follow_is_shown_and_not_kept(devnet: Devnet, client: Client) -> None:
    topic_id, messages = await filled(client, 3), kept(client)
    devnet.faults.inject(Fault.MESSAGE_ALTERED, sequence=2, field=Field.MESSAGE)
    lie = await messages.read(topic_id, 1, 3)
    assert len(messages) == 0
    devnet.faults.clear()
    assert await messages.read(topic_id, 1, 3) != lie
    assert len(messages) == 3


async def test_all_who_wait_are_told_that_the_mirror_is_away(devnet: Devnet, client: Client) -> None:
    topic_id, messages = await filled(client, 1), kept(client)
    devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    before = client.mirror.requests
    told = await asyncio.gather(*(messages.read(topic_id, 1, 1) for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in told} == {Unavailable}
    assert client.mirror.requests - before <= 6
    devnet.faults.clear()
    async with asyncio.timeout(20):
        while True:
            try:
                assert len(await messages.read(topic_id, 1, 1)) == 1
                break
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_who_goes_away_takes_nobodys_answer_along(client: Client) -> None:
    topic_id, messages = await filled(client, 1), kept(client)
    leaving, staying = (asyncio.create_task(messages.read(topic_id, 1, 1)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert len(await staying) == 1
    with pytest.raises(asyncio.CancelledError):
        await leaving
