"""Rooms whose campaigns are awake: streams from the devnet's mirror, beside the sweep or without it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from bridge.relay.hot import Hot, HotTopics
from bridge.schema import registry
from bridge.supervise import supervised
from tests.rooms import Rooms
from tests.topics.mirror.following import SETTINGS
from topics.mirror.streams import Streams
from topics.mirror.subscription import StreamAddress
from topics.values import TopicId


@asynccontextmanager
async def awake(
    rooms: Rooms, *refs: str, hot: Callable[[], Hot] | None = None, **settings: Any
) -> AsyncIterator[Streams]:
    """Streams for these campaigns beside the block, or for those that `hot` tells."""
    streams = Streams(
        [StreamAddress(rooms.terms.devnet.mirror_grpc_address)],
        replace(SETTINGS, **settings),
        mirror=rooms.mirror,
        payer=rooms.terms.devnet.operator_id,
    )

    async def topics_of(asked: Sequence[str]) -> dict[str, TopicId]:
        found = await rooms.database.read(lambda c: registry.find_all(c, asked))
        return {ref: each.topic_id for ref, each in found.items() if each.topic_id is not None}

    told = hot or (lambda: Hot(set(), set(refs)))
    topics = HotTopics(streams, rooms.inbound, hot=told, topics_of=topics_of, batch_messages=100)
    async with supervised({"streams": partial(topics.run, interval_s=0.02)}):
        yield streams
    await streams.close()
