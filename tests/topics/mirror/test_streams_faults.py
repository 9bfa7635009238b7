"""Topics followed live: every message once and in order, whatever becomes of the streams that bring them."""

from __future__ import annotations

import asyncio
import random
from typing import cast

import pytest

from tests.topics.client import Client
from tests.topics.mirror.following import Reader, streams_of, until, written
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Asked, Fault, Field, Side
from topics.mirror.streams import Streams


@pytest.mark.parametrize(
    "status", ["OK", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "UNKNOWN", "INTERNAL", "DEADLINE_EXCEEDED", "NOT_FOUND"]
)
async def test_every_end_is_a_new_beginning_behind_the_last_message(
    devnet: Devnet, client: Client, streams: Streams, status: str
) -> None:
    topic_id, contents = await written(client, 7)
    devnet.faults.inject(Fault.STREAM_BREAKS, status=status, after=2, times=3)
    assert await Reader(streams, topic_id).read(7) == contents


async def test_a_silent_stream_is_not_believed(devnet: Devnet, client: Client) -> None:
    topic_id, contents = await written(client, 4)
    devnet.faults.inject(Fault.STREAM_SILENT, after=1, times=1)
    streams = streams_of(devnet, client, stream_idle_s=0.1)
    assert await Reader(streams, topic_id).read(4) == contents
    assert streams.from_rest == 3
    await streams.close()


async def test_silence_ends_when_something_else_has_shown_more(
    devnet: Devnet, client: Client, streams: Streams
) -> None:
    topic_id, contents = await written(client, 4)
    devnet.faults.inject(Fault.STREAM_SILENT, after=1, times=1)
    reader = Reader(streams, topic_id)
    reading = asyncio.create_task(reader.read(4))
    await until(lambda: reader.verifier.position.sequence == 1)
    streams.check(topic_id)
    streams.check(topic_id)
    assert await reading == contents
    streams.check(topic_id)  # nobody follows it: nothing to do


@pytest.mark.parametrize("fault", [Fault.MESSAGE_DROPPED, Fault.MESSAGE_REPEATED, Fault.MESSAGE_REORDERED])
async def test_what_a_stream_leaves_out_or_mixes_up_is_mended_by_rest(
    devnet: Devnet, client: Client, streams: Streams, fault: Fault
) -> None:
    topic_id, contents = await written(client, 5)
    devnet.faults.inject(fault, side=Side.GRPC, sequence=2)
    assert await Reader(streams, topic_id).read(5) == contents


@pytest.mark.parametrize("field", [Field.MESSAGE, Field.RUNNING_HASH, Field.SEQUENCE, Field.TIMESTAMP])
async def test_what_a_stream_alters_is_taken_from_rest(
    devnet: Devnet, client: Client, streams: Streams, field: Field
) -> None:
    topic_id, contents = await written(client, 4)
    devnet.faults.inject(Fault.MESSAGE_ALTERED, side=Side.GRPC, sequence=2, field=field)
    assert await Reader(streams, topic_id).read(4) == contents


async def test_the_second_mirror_carries_on_and_the_log_says_it_once(
    devnet: Devnet, client: Client, streams: Streams, caplog: pytest.LogCaptureFixture
) -> None:
    topics = [(await written(client, 1))[0] for _ in range(3)]
    devnet.faults.inject(Fault.MIRROR_GRPC_DOWN, mirror=0)
    assert await asyncio.gather(*(Reader(streams, each).read(1) for each in topics)) == [[b"0"]] * 3
    assert streams.is_up
    devnet.faults.inject(Fault.MIRROR_GRPC_DOWN)
    reading = [asyncio.create_task(Reader(streams, each).read(1)) for each in topics]
    await until(lambda: not streams.is_up)
    devnet.faults.clear()
    assert await asyncio.gather(*reading) == [[b"0"]] * 3
    down = [record.message for record in caplog.records if "streams is down" in record.message]
    assert sorted(each.split()[1] for each in down) == sorted(each.grpc.address for each in devnet.mirrors)


@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.long)])
async def test_through_faults_at_random_every_topic_comes_whole(devnet: Devnet, client: Client, rounds: int) -> None:
    chance = random.Random(rounds)  # noqa: S311 # the same faults each time
    streams = streams_of(devnet, client, stream_idle_s=0.2, max_connections=2)
    topics = [await client.topic() for _ in range(6)]
    written = {topic_id: [b"%d" % number for number in range(rounds * 4)] for topic_id in topics}
    reading = [asyncio.create_task(Reader(streams, each).read(rounds * 4, within_s=60 + rounds)) for each in topics]
    for at in range(rounds):
        devnet.faults.clear()
        fault, asked = chance.choice(
            [
                (Fault.STREAM_BREAKS, {"status": chance.choice(["OK", "INTERNAL", "UNKNOWN"])}),
                (Fault.STREAM_SILENT, {"topic": chance.choice(topics)}),
                (Fault.MIRROR_GRPC_DOWN, {"mirror": chance.choice([0, 1])}),
                (Fault.MESSAGE_DROPPED, {"side": Side.GRPC, "times": 3}),
                (Fault.MESSAGE_REORDERED, {"side": Side.GRPC, "times": 3}),
                (Fault.MESSAGE_ALTERED, {"side": Side.GRPC, "times": 3, "field": Field.MESSAGE}),
                (Fault.MIRROR_UNAVAILABLE, {"times": 5}),
            ]
        )
        devnet.faults.inject(fault, **cast(Asked, asked))
        for number in range(at * 4, at * 4 + 4):
            for each in topics:
                await client.write(each, written[each][number])
    devnet.faults.clear()
    assert await asyncio.gather(*reading) == [written[topic_id] for topic_id in topics]
    await streams.close()
