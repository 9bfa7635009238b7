"""Streams for the topics that are awake: which of them get one, and what a stream's word is worth."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence, Set
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from bridge.errors import Unavailable
from topics.errors import IntegrityError, TopicsError
from topics.running_hash import Verifier
from topics.values import Position, TopicId, TopicMessage, TransactionId

LOOK_S = 0.25
"""Between two looks at who is awake, which ask nobody outside."""


class Streams(Protocol):
    """Port: subscriptions to topics (topics.mirror.streams)."""

    @property
    def capacity(self) -> int:
        """How many topics at a time."""

    def follow(
        self, topic_id: TopicId, resume_at: Callable[[], Awaitable[Position | None]]
    ) -> AsyncGenerator[TopicMessage]:
        """The topic's messages behind `resume_at`, again behind it whenever a call ends, until it is None."""

    def check(self, topic_id: TopicId) -> None:
        """The topic has moved on, and the stream hasn't shown it."""


class Reader(Protocol):
    """Who takes what the streams bring (bridge.relay.inbound)."""

    def stored(self, topic_id: TopicId) -> int:
        """The last sequence number that is known to be stored."""

    async def position(self, topic_id: TopicId) -> Position | None:
        """Up to where the topic is verified and stored; None for one that isn't read."""

    async def take(self, topic_id: TopicId, messages: Sequence[TopicMessage]) -> list[TopicMessage]:
        """Relay what is sound among these; what has to wait for more comes back."""


@dataclass(frozen=True, slots=True)
class Hot:
    """The campaigns that are awake: those `flying` write to the ledger now, `watched` ones have subscribers."""

    flying: Set[str]
    watched: Set[str]


@dataclass(frozen=True, slots=True)
class Sifted:
    """What a stream brought: `sound` follows the position and is whole, `waiting` lacks chunks that may still come.

    `doubtful`: something doesn't follow. It may be a gap, or a lie: REST knows.
    """

    sound: list[TopicMessage]
    waiting: list[TopicMessage]
    doubtful: bool


def sift(
    topic_id: TopicId,
    messages: Sequence[TopicMessage],
    position: Position,
    unfinished: Mapping[TransactionId, Set[int]] = MappingProxyType({}),
) -> Sifted:
    """Check a stream's messages against the chain of hashes; what was taken before is left out.

    `unfinished` are the chunks that were taken before of messages which lack others: REST may have brought those.

    The running hash doesn't cover what chunk a message is. So nothing is sound that would leave a message unfinished:
    a stream that lies about it gets nobody to wait for chunks which don't exist.
    """
    verifier = Verifier(topic_id, position)
    good: list[TopicMessage] = []
    chunks = {initial: set(numbers) for initial, numbers in unfinished.items()}  # of the messages that are unfinished
    whole, doubtful = 0, False
    for message in messages:
        if message.sequence <= verifier.position.sequence:
            continue
        info = message.chunk
        try:
            verifier.accept(message)
        except IntegrityError:
            doubtful = True
            break
        if info is not None and not 1 <= info.number <= info.total:  # belongs to nothing: left out, it would be passed
            doubtful = True
            break
        good.append(message)
        if info is not None and info.total > 1:
            seen = chunks.setdefault(info.initial, set())
            seen.add(info.number)
            if len(seen) == info.total:
                del chunks[info.initial]
        if not chunks:
            whole = len(good)
    return Sifted(good[:whole], good[whole:], doubtful)


def admit(places: OrderedDict[str, None], hot: Hot, capacity: int) -> None:
    """Give the `places`, the one that was hot longest ago first, to those that are hot now.

    Nobody leaves before the place is needed, or its stream ends: a receipt, which ends a flight, comes before the
    mirror has the message.
    Only a flight takes the place of a campaign that is merely watched; who is neither any more goes before all others.
    """
    for ref in hot.flying:
        if ref in places:
            places.move_to_end(ref)
    newcomers = [ref for ref in hot.flying if ref not in places]
    # At random: of very many, some may have no topic yet, and none is to wait behind them for ever.
    watched = [ref for ref in hot.watched if ref not in places and ref not in hot.flying]
    newcomers += random.sample(watched, min(len(watched), capacity))
    for ref in newcomers:
        if len(places) >= capacity:
            cold = (each for each in places if each not in hot.flying and each not in hot.watched)
            quiet = (each for each in places if each not in hot.flying and ref in hot.flying)
            leaving = next(cold, None) or next(quiet, None)
            if leaving is None:
                return
            del places[leaving]
        places[ref] = None


class HotTopics:
    """Holds which campaigns have a stream. `hot` tells who is awake, `topics_of` the topics that campaigns have."""

    def __init__(
        self,
        streams: Streams,
        reader: Reader,
        *,
        hot: Callable[[], Hot],
        topics_of: Callable[[Sequence[str]], Awaitable[Mapping[str, TopicId]]],
        batch_messages: int,
    ) -> None:
        self._streams = streams
        self._reader = reader
        self._hot = hot
        self._topics_of = topics_of
        self._batch_messages = batch_messages
        self._places: OrderedDict[str, None] = OrderedDict()  # the one that was hot longest ago first
        self._carried: dict[str, _Carried] = {}

    async def run(self, *, interval_s: float = LOOK_S) -> None:
        """Look who is awake every `interval_s`, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                with suppress(Unavailable):  # of the database: the sweep, which needs it too, tells
                    await self._look(group)
                await asyncio.sleep(interval_s)

    async def _look(self, group: asyncio.TaskGroup) -> None:
        for ref in [ref for ref, carried in self._carried.items() if carried.task.done()]:
            del self._places[ref], self._carried[ref]
        hot = self._hot()
        admit(self._places, hot, self._streams.capacity)
        leaving = [self._carried.pop(ref).task for ref in [*self._carried] if ref not in self._places]
        for task in leaving:
            task.cancel()
        if leaving:
            await asyncio.wait(leaving)  # or who comes back at once would find itself followed still
        for ref, carried in self._carried.items():
            carried.is_hot = ref in hot.flying or ref in hot.watched
            self._compare(carried)
        newcomers = [ref for ref in self._places if ref not in self._carried]
        topics = await self._topics_of(newcomers) if newcomers else {}
        for ref in newcomers:
            if ref in topics:
                self._carried[ref] = _Carried.begun(group, topics[ref], self._carry)
            else:
                del self._places[ref]

    def _compare(self, carried: _Carried) -> None:
        """A stream that REST was ahead of twice in a row may be dead without a word."""
        is_overtaken = self._reader.stored(carried.topic_id) > carried.brought
        if is_overtaken and carried.was_overtaken:
            self._streams.check(carried.topic_id)
        carried.was_overtaken = is_overtaken and not carried.was_overtaken

    async def _carry(self, carried: _Carried) -> None:
        """Bring a topic's stream to the reader; what arrives while it is busy makes the next batch."""
        topic_id = carried.topic_id
        arrived: asyncio.Queue[TopicMessage] = asyncio.Queue(self._batch_messages)

        async def resume_at() -> Position | None:
            if not carried.is_hot:
                return None  # it was silent, or was cut: the sweep brings what may still come
            position = await self._reader.position(topic_id)
            if position is not None:
                carried.brought = position.sequence
            return position

        try:
            async with asyncio.TaskGroup() as group:
                taking = group.create_task(self._take(topic_id, arrived), name=f"taking-{topic_id}")
                async with aclosing(self._streams.follow(topic_id, resume_at)) as messages:
                    async for message in messages:
                        carried.brought = message.sequence
                        await arrived.put(message)
                taking.cancel()
        except* (Unavailable, TopicsError):
            pass  # begun anew at the next look

    async def _take(self, topic_id: TopicId, arrived: asyncio.Queue[TopicMessage]) -> None:
        waiting: list[TopicMessage] = []
        while True:
            batch = [*waiting, await arrived.get()]
            while len(batch) < self._batch_messages and not arrived.empty():
                batch.append(arrived.get_nowait())
            waiting = await self._reader.take(topic_id, batch)


@dataclass(slots=True, eq=False)
class _Carried:
    """A topic with a stream: the last sequence number that it brought, and what was seen at the last look.

    `was_overtaken`: REST was ahead. `is_hot`: somebody waits for what comes.
    """

    topic_id: TopicId
    brought: int = 0
    was_overtaken: bool = False
    is_hot: bool = True
    task: asyncio.Task[None] = field(init=False)

    @classmethod
    def begun(
        cls, group: asyncio.TaskGroup, topic_id: TopicId, carry: Callable[[_Carried], Coroutine[None, None, None]]
    ) -> _Carried:
        carried = cls(topic_id)
        carried.task = group.create_task(carry(carried), name=f"stream-{topic_id}")
        return carried
