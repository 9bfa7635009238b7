"""What a publication costs on its way from the store to the hub: made, sealed, stored, committed, handed on."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from functools import partial
from typing import Any

from benchmarks._world import site
from bridge.demo.keys import make_demo_keys
from bridge.gateway.hub import Frame, Hub
from bridge.protocol.envelope import Place
from bridge.protocol.values import Event
from bridge.relay.placed import Placed
from bridge.relay.store import Source
from bridge.relay.tail import Batch, Progress
from bridge.storage import opened
from topics.values import NANOS, Position, TopicId

A_COMMIT = 100  # relay.batch_messages, as shipped
HASH = bytes(48)
SOURCE = Source(TopicId(0, 0, 7001), "1")
PAYLOAD: dict[str, Any] = {"campaignId": "1", "message": "x" * 400}


class Nobody:
    """A subscriber that costs nothing."""

    def deliver(self, frame: Frame) -> None: ...

    def deliver_last(self, frame: Frame) -> None: ...

    def overflow(self) -> None: ...


def batch(first: int) -> Batch:
    """So many events in consecutive messages, as they come out of the assembler."""
    places = [Place(SOURCE.topic_id, number, 0, number * NANOS, HASH) for number in range(first, first + A_COMMIT)]
    events = [Placed(Event(os.urandom(16), "CAMPAIGN_CLOSED", 0, None, PAYLOAD), place) for place in places]
    last = places[-1].sequence
    return Batch(tuple(events), Progress(Position(last, last * NANOS, HASH), last, channel_epoch="benchmark"))


async def store_to_hub_us(publications: int) -> float:
    """CPU microseconds for each of them, on a database of its own in the temporary folder."""
    hub, channel = Hub(), f"campaign:{SOURCE.ref}"
    hub.subscribe(channel, nobody := Nobody())
    hub.go_live(channel, nobody, after=0)
    batches = [batch(first) for first in range(1, publications + 1, A_COMMIT)]
    with site({}) as ground:
        make_demo_keys(ground.folder)
        async with opened(ground.config(), alone=True) as storage:
            writing = asyncio.create_task(storage.database.run())
            began_s = time.process_time()
            for each in batches:
                work = partial(storage.store.append, opened=[(SOURCE, each)])
                for news in (await storage.database.write(work))[0]:
                    hub.publish(news.channel, news.publication.data, offset=news.publication.offset)
            taken_s = time.process_time() - began_s
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
    return round(taken_s / (len(batches) * A_COMMIT) * 1e6, 1)
