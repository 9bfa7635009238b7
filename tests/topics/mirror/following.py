"""Topics followed live, verified as they come: what the tests of streams share."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from tests.topics.client import Client
from topics.devnet.devnet import Devnet
from topics.mirror.settings import StreamSettings
from topics.mirror.streams import Streams
from topics.mirror.subscription import StreamAddress
from topics.running_hash import Verifier
from topics.values import START, Position, TopicId, TopicMessage

SETTINGS = StreamSettings(
    stream_timeout_s=60.0,
    stream_idle_s=30.0,
    request_timeout_s=2.0,
    backoff_initial_s=0.01,
    backoff_max_s=0.05,
    max_requests_per_s=1000.0,
)
DEADLINE_S = 10


class Reader:
    """Follows a topic, verifies what comes, and remembers how far it came."""

    def __init__(self, streams: Streams, topic_id: TopicId) -> None:
        self.streams = streams
        self.verifier = Verifier(topic_id, START)
        self.stopped = False

    async def position(self) -> Position | None:
        return None if self.stopped else self.verifier.position

    async def read(self, count: int, *, within_s: float = DEADLINE_S) -> list[bytes]:
        """The contents of so many messages, each of which continues the one before."""
        found: list[bytes] = []
        async with asyncio.timeout(within_s), aclosing(self.messages()) as messages:
            async for message in messages:
                before = self.verifier.position.sequence
                if message.sequence > before:
                    self.verifier.accept(message)
                    found.append(message.message)
                if len(found) == count:
                    return found
        return found

    def messages(self) -> AsyncGenerator[TopicMessage]:
        return self.streams.follow(self.verifier.topic_id, self.position)


def streams_of(devnet: Devnet, client: Client, **settings: Any) -> Streams:
    addresses = [StreamAddress(each.grpc.address) for each in devnet.mirrors]
    chosen = dataclasses.replace(SETTINGS, **settings)
    return Streams(addresses, chosen, mirror=client.mirror, payer=client.ledger.payer)


async def written(client: Client, count: int) -> tuple[TopicId, list[bytes]]:
    topic_id, contents = await client.topic(), [b"%d" % number for number in range(count)]
    for content in contents:
        await client.write(topic_id, content)
    return topic_id, contents


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 # the network's side of it has no event
            await asyncio.sleep(0.005)
