"""Subscriptions to a mirror over real gRPC, as any client makes them; and a topic to subscribe to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from tests.topics.devnet.ground import FIRST, signed, topic_body
from tests.topics.devnet.running import submit
from tests.topics.devnet.test_node import SUBMIT, Client
from topics.devnet import protos
from topics.devnet.devnet import Devnet
from topics.devnet.envelope import name_of
from topics.ledger.hapi import mirror_consensus
from topics.values import TopicId, TopicMessage

DEADLINE_S = 10
SILENCE_S = 0.3
Response = mirror_consensus.ConsensusTopicResponse


class Writer:
    """Makes topics on a running network, and writes to them."""

    def __init__(self, devnet: Devnet) -> None:
        self.devnet = devnet
        self.client = Client(devnet)
        self.next_num = self.client.payer.num + 1

    async def topic(self, messages: int = 0) -> TopicId:
        """A new topic with the messages 0, 1, 2, …"""
        created = self.client.ground.body(consensusCreateTopic=topic_body(), payer=self.client.payer)
        await submit(self.devnet, FIRST, "ConsensusService/createTopic", signed(created, [self.client.ground.key]))
        topic_id = TopicId(0, 0, self.next_num)
        await self.until(lambda: topic_id in self.devnet.network.state.topics)
        self.next_num += 1
        for number in range(messages):
            await self.write(topic_id, b"%d" % number)
        return topic_id

    async def write(self, topic_id: TopicId, message: bytes, **fields: Any) -> None:
        """One message, on the ledger when this returns, if there is no delay."""
        body = self.client.ground.submit(topic_id, message, payer=self.client.payer, **fields)
        answer = await submit(self.devnet, FIRST, SUBMIT, signed(body, [self.client.ground.key]))
        assert name_of(answer.nodeTransactionPrecheckCode) == "OK"

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let time go on until that is so, as those do who ask the network for anything."""
        end = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < end, "it took too long"
            self.devnet.network.advance(self.devnet.settings.clock())
            await asyncio.sleep(0.005)

    def truth(self, topic_id: TopicId) -> list[TopicMessage]:
        """What the mirror has imported of the topic."""
        messages = self.devnet.network.mirror.topics[topic_id].messages
        return list(messages.walk(range(len(messages)), descending=False))


class Connection:
    """One HTTP/2 connection to a mirror."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel

    def subscribe(
        self, topic_id: TopicId | None, *, start_ns: int | None = 0, end_ns: int | None = None, limit: int = 0
    ) -> grpc.aio.UnaryStreamCall[Any, Response]:
        """A stream; from the first message on unless told."""
        query = mirror_consensus.ConsensusTopicQuery(
            topicID=None if topic_id is None else protos.topic(topic_id),
            consensusStartTime=None if start_ns is None else protos.time(start_ns),
            consensusEndTime=None if end_ns is None else protos.time(end_ns),
            limit=limit,
        )
        return self.call("ConsensusService/subscribeTopic", query, Response.FromString)

    def call(self, method: str, query: Any, reading: Any) -> grpc.aio.UnaryStreamCall[Any, Any]:
        """Any of the mirror's calls."""
        path = f"/com.hedera.mirror.api.proto.{method}"
        made: grpc.aio.UnaryStreamCall[Any, Any] = self.channel.unary_stream(
            path, request_serializer=type(query).SerializeToString, response_deserializer=reading
        )(query, timeout=DEADLINE_S)
        return made

    async def refusal(self, topic_id: TopicId | None, **asked: Any) -> tuple[str, str]:
        """Status and details of a stream that gives nothing."""
        call = self.subscribe(topic_id, **asked)
        try:
            assert not isinstance(await call.read(), Response)
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details() or ""
        return "OK", ""


@asynccontextmanager
async def connected(address: str, **options: int) -> AsyncIterator[Connection]:
    """A connection that is shared with nobody: gRPC otherwise takes one for all channels to an address."""
    chosen = {"grpc.use_local_subchannel_pool": 1} | options
    async with grpc.aio.insecure_channel(address, options=list(chosen.items())) as channel:
        yield Connection(channel)


async def read(call: grpc.aio.UnaryStreamCall[Any, Response], count: int) -> list[Response]:
    """So many messages, waited for."""
    found = []
    for _ in range(count):
        response = await call.read()
        assert isinstance(response, Response), "the stream has ended"
        found.append(response)
    return found


async def rest(call: grpc.aio.UnaryStreamCall[Any, Response]) -> list[Response]:
    """Everything up to a clean end."""
    return [response async for response in call]


async def is_silent(call: grpc.aio.UnaryStreamCall[Any, Response]) -> bool:
    """Whether nothing comes for a while, neither a message nor an end. The call is over then."""
    try:
        await asyncio.wait_for(call.read(), SILENCE_S)
    except TimeoutError:
        return True
    return False
