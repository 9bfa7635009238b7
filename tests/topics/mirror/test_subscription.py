"""One subscription over real gRPC: exact nanoseconds, every field, and an end that always has a name."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import aclosing
from typing import Any

import pytest

from tests.topics.client import Client
from topics.devnet import protos
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.errors import MalformedAnswer
from topics.ledger.hapi import basic_types, mirror_consensus
from topics.mirror.settings import StreamSettings
from topics.mirror.subscription import Connection, StreamAddress, StreamEnded, read_message
from topics.values import HASH_BYTES, AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

TOPIC, PAYER = TopicId(0, 0, 7), AccountId(1, 2, 3)
MESSAGE = TopicMessage(TOPIC, 5, 1_700_000_000_123_456_789, b"x", bytes(HASH_BYTES), None, None)
CHUNK = ChunkInfo(TransactionId(PAYER, 1_700_000_000_000_000_001), 2, 3)


def connection(devnet: Devnet) -> Connection:
    return Connection(StreamAddress(devnet.mirror_grpc_address), StreamSettings())


async def subscribed(connection: Connection, topic_id: TopicId, count: int, **asked: Any) -> list[TopicMessage]:
    chosen = {"from_ns": 0, "timeout_s": 10.0} | asked
    found: list[TopicMessage] = []
    async with aclosing(connection.subscribe(topic_id, **chosen)) as messages:
        async for message in messages:
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_from_the_nanosecond_on(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    for number in range(3):
        await client.write(topic_id, b"%d" % number)
    shown = await client.mirror.messages(topic_id, after=0)
    expected = [dataclasses.replace(message, payer=None) for message in shown]
    line = connection(devnet)
    assert await subscribed(line, topic_id, 3) == expected
    assert await subscribed(line, topic_id, 2, from_ns=shown[1].consensus_ns) == expected[1:]
    assert await subscribed(line, topic_id, 1, from_ns=shown[1].consensus_ns + 1) == expected[2:]
    await line.close()


@pytest.mark.parametrize("status", ["OK", "UNAVAILABLE", "INTERNAL"])
async def test_an_end_has_its_status(devnet: Devnet, client: Client, status: str) -> None:
    topic_id, line = await client.topic(), connection(devnet)
    devnet.faults.inject(Fault.STREAM_BREAKS, status=status)
    with pytest.raises(StreamEnded) as caught:
        await subscribed(line, topic_id, 1)
    assert caught.value.status == status
    await line.close()


async def test_its_time_is_limited(devnet: Devnet, client: Client) -> None:
    topic_id, line = await client.topic(), connection(devnet)
    with pytest.raises(StreamEnded, match="DEADLINE_EXCEEDED"):
        await subscribed(line, topic_id, 1, timeout_s=0.1)
    await line.close()


async def test_a_connection_that_is_given_up_ends_its_subscriptions_and_cancels_nobody(
    devnet: Devnet, client: Client
) -> None:
    topic_id, line = await client.topic(), connection(devnet)
    reading = asyncio.create_task(subscribed(line, topic_id, 1))
    async with asyncio.timeout(5):
        while not devnet.mirrors[0].grpc.streams:  # noqa: ASYNC110 # the network's side of it has no event
            await asyncio.sleep(0.005)
    await line.close()
    with pytest.raises(StreamEnded, match="CANCELLED"):
        await reading


async def test_nobody_there_is_unavailable() -> None:
    line = Connection(StreamAddress("127.0.0.1:1", tls=True), StreamSettings(request_timeout_s=0.5))
    with pytest.raises(StreamEnded, match="UNAVAILABLE"):
        await subscribed(line, TOPIC, 1)
    await line.close()


@pytest.mark.parametrize("message", [MESSAGE, dataclasses.replace(MESSAGE, chunk=CHUNK)])
def test_every_field_but_the_payer_survives(message: TopicMessage) -> None:
    assert read_message(TOPIC, protos.topic_response(message), "m") == message


def bent(**fields: Any) -> mirror_consensus.ConsensusTopicResponse:
    response = protos.topic_response(dataclasses.replace(MESSAGE, chunk=CHUNK))
    for path, value in fields.items():
        *parents, name = path.split("__")
        inner: Any = response
        for parent in parents:
            inner = getattr(inner, parent)
        setattr(inner, name, value)
    return response


@pytest.mark.parametrize(
    "response",
    [
        bent(sequenceNumber=2**63),
        bent(consensusTimestamp__seconds=-1),
        bent(consensusTimestamp__seconds=2**62),
        bent(chunkInfo__initialTransactionID__accountID__alias=b"x"),
        bent(chunkInfo__initialTransactionID__accountID__accountNum=-1),
        bent(chunkInfo__initialTransactionID__transactionValidStart__seconds=-1),
    ],
)
def test_what_no_ledger_has_is_malformed(response: mirror_consensus.ConsensusTopicResponse) -> None:
    with pytest.raises(MalformedAnswer, match=r"topic 0\.0\.7|message"):
        read_message(TOPIC, response, "m")


def test_a_chunk_of_no_transaction_is_malformed() -> None:
    response = bent()
    response.chunkInfo.initialTransactionID.CopyFrom(basic_types.TransactionID())
    with pytest.raises(MalformedAnswer, match="names no payer"):
        read_message(TOPIC, response, "m")
