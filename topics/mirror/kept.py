"""Messages that many ask for again and again: one request to the mirror for all of them, and what came is kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from topics.errors import IntegrityError
from topics.mirror.rest import MAX_PAGE, Mirror
from topics.running_hash import Verifier
from topics.values import START, Position, TopicId, TopicMessage


class _Block(NamedTuple):
    """The messages from `number` * MAX_PAGE + 1 on, as many as the mirror gives at a time."""

    topic_id: TopicId
    number: int


class KeptMessages:
    """Holds at most `max_messages` of them, the blocks asked for last; `max_requests` are under way at a time.

    What a mirror shows is handed on as it is; kept is only what follows by running hash, one message from the other.
    """

    def __init__(self, mirror: Mirror, *, max_messages: int, max_requests: int) -> None:
        self._mirror = mirror
        self._max_messages = max_messages
        self._requests = asyncio.Semaphore(max_requests)
        self._kept: OrderedDict[_Block, Sequence[TopicMessage]] = OrderedDict()
        self._asked: dict[_Block, asyncio.Task[Sequence[TopicMessage]]] = {}
        self._size = 0

    def __len__(self) -> int:
        return self._size

    async def read(self, topic_id: TopicId, first: int, last: int) -> list[TopicMessage]:
        """The topic's messages from sequence number `first` to `last`, as far as the mirror has them.

        Raises as `Mirror` does.
        """
        found: list[TopicMessage] = []
        for number in range((first - 1) // MAX_PAGE, (last - 1) // MAX_PAGE + 1):
            block = await self._block(_Block(topic_id, number), up_to=min(last, (number + 1) * MAX_PAGE))
            found += (message for message in block if first <= message.sequence <= last)
        return found

    async def _block(self, block: _Block, *, up_to: int) -> Sequence[TopicMessage]:
        """A block's messages, at least up to that sequence number, if the mirror has it."""
        kept = self._kept.get(block, ())
        if kept and kept[-1].sequence >= up_to:
            self._kept.move_to_end(block)
            return kept
        if (asked := self._asked.get(block)) is None:
            asked = self._asked[block] = asyncio.create_task(self._fetch(block, kept))
            asked.add_done_callback(lambda done: self._done(block, done))
        return await asyncio.shield(asked)  # who goes away leaves the others their answer

    async def _fetch(self, block: _Block, kept: Sequence[TopicMessage]) -> Sequence[TopicMessage]:
        before = kept[-1].sequence if kept else block.number * MAX_PAGE
        limit = (block.number + 1) * MAX_PAGE - before
        async with self._requests:
            page = await self._mirror.messages(block.topic_id, after=before, limit=limit)
        found = [*kept, *page]
        if found and found[0].sequence == block.number * MAX_PAGE + 1 and _follow(block.topic_id, found):
            self._keep(block, found)
        return found

    def _keep(self, block: _Block, found: Sequence[TopicMessage]) -> None:
        self._size += len(found) - len(self._kept.pop(block, ()))
        self._kept[block] = found
        while self._size > self._max_messages:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)

    def _done(self, block: _Block, task: asyncio.Task[Sequence[TopicMessage]]) -> None:
        del self._asked[block]
        if not task.cancelled():
            task.exception()  # whoever still waits is told


def _follow(topic_id: TopicId, messages: Sequence[TopicMessage]) -> bool:
    """Whether they are one chain; the topic's first message is held against the beginning, too."""
    first, *rest = messages
    verifier = Verifier(topic_id, START if first.sequence == 1 else _place(first))
    try:
        for message in messages if first.sequence == 1 else rest:
            verifier.accept(message)
    except IntegrityError:
        return False
    return True


def _place(message: TopicMessage) -> Position:
    return Position(message.sequence, message.consensus_ns, message.running_hash)
