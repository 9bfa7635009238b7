"""Topics followed live: what is there and what comes, each once, for as many topics as agreed."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import aclosing

import pytest

from tests.topics.client import Client, client_of
from tests.topics.mirror.following import SETTINGS, Reader, streams_of, until, written
from topics.devnet.devnet import Devnet
from topics.mirror.pool import PoolFull
from topics.mirror.streams import Streams
from topics.values import ChunkInfo, TopicId, TopicMessage, TransactionId


async def test_what_is_there_and_then_what_comes(devnet: Devnet, client: Client, streams: Streams) -> None:
    topic_id, contents = await written(client, 3)
    reading = asyncio.create_task(Reader(streams, topic_id).read(5))
    await until(lambda: devnet.mirrors[0].grpc.streams)
    first = TransactionId(client.ledger.payer, client.new_id().valid_start_ns)
    await client.write(topic_id, b"live")
    await client.write(topic_id, b"part", ChunkInfo(first, 2, 2))
    assert await reading == [*contents, b"live", b"part"]
    assert (streams.from_rest, devnet.mirrors[1].grpc.streams) == (0, 0)


async def test_silence_that_hides_nothing_renews_the_stream(devnet: Devnet, client: Client) -> None:
    topic_id, _ = await written(client, 1)
    streams = streams_of(devnet, client, stream_idle_s=0.05)
    reader = Reader(streams, topic_id)
    reading = asyncio.create_task(reader.read(2))
    await until(lambda: client.mirror.requests > 3)
    await client.write(topic_id, b"late")
    assert await reading == [b"0", b"late"]
    assert streams.from_rest <= 1
    await streams.close()


async def test_four_subscriptions_a_connection_and_no_more_than_agreed(devnet: Devnet, client: Client) -> None:
    streams = streams_of(devnet, client, max_connections=2)
    readers = [Reader(streams, await client.topic()) for _ in range(8)]
    reading = [asyncio.create_task(reader.read(1)) for reader in readers]
    await until(lambda: devnet.mirrors[0].grpc.streams == streams.capacity == 8)
    assert streams.calls == [4, 4]
    with pytest.raises(PoolFull, match="all 8 subscriptions"):
        await Reader(streams, await client.topic()).read(1)
    with pytest.raises(ValueError, match="followed already"):
        await readers[0].read(1)
    for reader in readers:
        await client.write(reader.verifier.topic_id, b"x")
    assert await asyncio.gather(*reading) == [[b"x"]] * 8
    await until(lambda: not devnet.mirrors[0].grpc.streams)
    assert streams.calls == []
    await streams.close()


async def test_a_topic_that_was_just_created_is_waited_for(client: Client, streams: Streams) -> None:
    known = await client.topic()
    topic_id = dataclasses.replace(known, num=known.num + 1)
    reading = asyncio.create_task(Reader(streams, topic_id).read(1))
    await asyncio.sleep(0.05)  # NOT_FOUND meanwhile
    assert await client.topic() == topic_id
    await client.write(topic_id, b"x")
    assert await reading == [b"x"]


async def test_what_others_wrote_has_its_payer_from_rest_and_only_once(
    devnet: Devnet, client: Client, streams: Streams
) -> None:
    topic_id = await client.topic()
    async with client_of(devnet, account=devnet.create_account()) as other:
        topic_id = await other.topic()
        for number in range(4):
            await other.write(topic_id, b"%d" % number)
        before = client.mirror.requests
        assert await Reader(streams, topic_id).read(4) == [b"0", b"1", b"2", b"3"]
        assert client.mirror.requests == before + 1


async def test_a_topic_that_is_left_ends_the_stream_and_rest_is_not_asked(devnet: Devnet, client: Client) -> None:
    topic_id, _ = await written(client, 1)
    streams, before = streams_of(devnet, client), client.mirror.requests
    reader = Reader(streams, topic_id)
    reading = asyncio.create_task(reader.read(2))
    await until(lambda: reader.verifier.position.sequence == 1)
    reader.stopped = True

    def silence_ended() -> bool:
        streams.check(topic_id)
        return reading.done()

    await until(silence_ended)
    assert await reading == [b"0"]
    await until(lambda: not devnet.mirrors[0].grpc.streams)
    assert client.mirror.requests == before
    await streams.close()


async def test_a_history_longer_than_what_is_on_the_line_comes_in_order(client: Client, streams: Streams) -> None:
    topic_id = await client.topic()
    for _ in range(200):
        await client.write(topic_id, bytes(1024))
    shown: list[TopicMessage] = []
    async with aclosing(streams.follow(topic_id, Reader(streams, topic_id).position)) as messages:
        async for message in messages:
            shown.append(message)
            await asyncio.sleep(0)
            if len(shown) == 200:
                break
    assert [message.sequence for message in shown] == list(range(1, 201))


async def test_without_an_address_nothing_can_be_followed(client: Client) -> None:
    streams = Streams([], SETTINGS, mirror=client.mirror, payer=client.ledger.payer)
    assert (streams.capacity, streams.is_up) == (0, False)
    with pytest.raises(PoolFull):
        await Reader(streams, TopicId(0, 0, 7)).read(1)
