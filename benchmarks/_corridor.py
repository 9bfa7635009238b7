"""The inbound corridor in a process of its own, whose CPU is counted.

`python -m benchmarks._corridor whole|steps TOPICS EACH`, on the store and the mirror that the environment names.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from benchmarks._ledger import Scale
from bridge.config import load
from bridge.crossing import confirm, recognise
from bridge.gateway.hub import Hub
from bridge.keys.ring import CampaignKeys
from bridge.publish.outbox import Entry
from bridge.relay.inbound import Inbound
from bridge.relay.on_record import Recognise, strangers
from bridge.relay.store import News, Source
from bridge.relay.tail import Batch, Progress, TopicTail
from bridge.remotes import Remotes, connected
from bridge.rooms import inbound, outbound, topic_rules
from bridge.schema import registry
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from topics.mirror.answers import Page
from topics.mirror.rest import MAX_PAGE, Mirror
from topics.mirror.sweep import Sweep
from topics.running_hash import Verifier
from topics.values import START, TopicId, TopicMessage


@dataclass(slots=True)
class Corridor:
    """As the daemon has it (bridge/app.py), without doors and flights."""

    storage: Storage
    remotes: Remotes
    hub: Hub
    handed: int = 0

    def inbound(self) -> Inbound:
        """The relay, with the outbox's bookkeeper."""
        book = outbound(self.storage, self.remotes, reject=_nobody).bookkeeper.book
        return inbound(self.storage, self.remotes.mirror, publish=self.publish, book=book, sample=_unsampled)

    def publish(self, news: Sequence[News]) -> None:
        """To the hub, and counted."""
        for item in news:
            self.hub.publish(item.channel, item.publication.data, offset=item.publication.offset)
        self.handed += len(news)


@asynccontextmanager
async def corridor() -> AsyncIterator[Corridor]:
    """On the store that the environment names."""
    config = load(None, os.environ)
    async with (
        opened(config, alone=True) as storage,
        connected(config, last_valid_start_ns=0) as remotes,
        supervised({"database": storage.database.run}),
    ):
        yield Corridor(storage, remotes, Hub())


async def whole(scale: Scale) -> dict[str, Any]:
    """All of the backlog, as it comes."""
    async with corridor() as run:
        relay, sweep = run.inbound(), Sweep(run.remotes.mirror, run.storage.config.operator.account, cursor_ns=0)
        cpu_s, began = time.process_time(), time.perf_counter()
        while run.handed < scale.topics * scale.each:
            await relay.round(sweep)
        cpu_s, seconds = time.process_time() - cpu_s, time.perf_counter() - began
    return {
        "per_core_s": round(scale.messages / cpu_s),
        "per_s": round(scale.messages / seconds),
        "cpu_us_per_message": round(cpu_s / scale.messages * 1e6, 1),
    }


async def steps(scale: Scale) -> dict[str, Any]:
    """CPU microseconds a message, step by step and page by page; opened with each frame's signature, and without."""
    timer = Timer(scale.messages)
    async with corridor() as run:
        storage, database = run.storage, run.storage.database
        registered = await database.read(lambda c: [*registry.all(c)])
        sources = [Source(each.topic_id, each.ref) for each in registered if each.topic_id is not None]
        with timer("fetch"):
            await Sweep(run.remotes.mirror, storage.config.operator.account, cursor_ns=0).moved()
            topics = [(source, await _messages(run.remotes.mirror, source.topic_id)) for source in sources]
        with timer("verify"):
            for source, messages in topics:
                verifier = Verifier(source.topic_id, START)
                for message in messages:
                    verifier.accept(message)
        with timer("open_signatures"):
            for source, messages in topics:
                await database.read(partial(_opened, storage, source, messages, lambda _: strangers))
        with timer("open"):
            opened_ = [
                (source, batch)
                for source, messages in topics
                for batch in await database.read(partial(_opened, storage, source, messages, recognising))
            ]
        with timer("store"):
            news = [await database.write(partial(_stored, storage, item)) for item in opened_]
        with timer("hub"):
            for some in news:
                run.publish(some)
    return timer.found()


async def _messages(mirror: Mirror, topic_id: TopicId) -> list[TopicMessage]:
    found: list[TopicMessage] = []
    while page := await mirror.messages(topic_id, after=len(found)):
        found += page
    return found


def recognising(connection: Connection) -> Recognise:
    """As the daemon does."""
    return partial(recognise, connection)


def _opened(
    storage: Storage,
    source: Source,
    messages: Sequence[TopicMessage],
    knowing: Callable[[Connection], Recognise],
    connection: Connection,
) -> list[Batch]:
    tail = TopicTail(topic_rules(storage, source.topic_id), Progress())
    keys = CampaignKeys(storage.ring, connection, source.ref)
    return [
        tail.take(messages[at : at + MAX_PAGE], keys, knowing(connection)) for at in range(0, len(messages), MAX_PAGE)
    ]


def _stored(storage: Storage, item: tuple[Source, Batch], connection: Connection) -> list[News]:
    confirm(connection, [item[1]])
    return storage.store.append(connection, [item])[0]


class Timer:
    """Adds up the CPU of this process by step."""

    def __init__(self, messages: int) -> None:
        self._messages = messages
        self._cpu_s: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Count what the block takes."""
        began = time.process_time()
        yield
        self._cpu_s[step] = self._cpu_s.get(step, 0.0) + time.process_time() - began

    def found(self) -> dict[str, float]:
        """Microseconds a message."""
        return {step: round(cpu_s / self._messages * 1e6, 1) for step, cpu_s in self._cpu_s.items()}


async def _nobody(_entries: Sequence[Entry], _reason: str) -> None:
    """Nothing is sent, so nothing is parked."""


def _unsampled(_page: Page) -> None:
    """There is one mirror."""


def main() -> None:
    """The last line is one JSON object."""
    what, topics, each = sys.argv[1:]
    run = {"whole": whole, "steps": steps}[what]
    sys.stdout.write(json.dumps(asyncio.run(run(Scale(int(topics), int(each))))) + "\n")


if __name__ == "__main__":
    main()
