"""Where an audit has a topic's messages from: mirrors, page by page with some pages ahead, or a bundle."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.relay.audit.verdict import Refuted
from topics.errors import Rejected
from topics.mirror import decode
from topics.mirror.rest import MAX_PAGE, Mirror
from topics.values import TopicId, TopicMessage

PAGES_AHEAD = 4
"""Asked for before they are needed: what a mirror far away takes for its answer is waited for once."""


@dataclass(frozen=True, slots=True)
class Span:
    """Sequence numbers `first` to `last`, both included; None: as far as the source goes."""

    first: int = 1
    last: int | None = None


class Source(Protocol):
    """Shows one topic's messages, and vouches for nothing."""

    def pages(self, span: Span, wanted: int) -> AsyncGenerator[Sequence[TopicMessage]]:
        """The span's messages as they are shown, some at a time. Raises Refuted if they end before `wanted`."""

    async def message(self, sequence: int) -> TopicMessage:
        """One message. Raises what the source raises for what it doesn't have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message, and the mirror's JSON that says it, as it came."""

    message: TopicMessage
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class MirrorSource:
    """The mirrors' word; raises as their client does. `patience_s` is how long they may be behind what is wanted."""

    mirror: Mirror
    topic_id: TopicId
    patience_s: float
    poll_interval_s: float

    async def pages(self, span: Span, wanted: int) -> AsyncGenerator[Sequence[TopicMessage]]:
        """As Source says; messages up to `wanted` are waited for."""
        async with aclosing(self.shown(span, wanted)) as pages:
            async for page in pages:
                yield [shown.message for shown in page]

    async def message(self, sequence: int) -> TopicMessage:
        """As Source says. Raises Rejected for one that isn't there."""
        found = await self.mirror.message(self.topic_id, sequence)
        if found is None:
            raise Rejected(f"message {sequence} of topic {self.topic_id} at mirror {self.mirror.url}", "HTTP 404")
        return found

    async def shown(self, span: Span, wanted: int) -> AsyncGenerator[list[Shown]]:
        """The same pages, with each message as it came."""
        after, waited_s, short = span.first - 1, 0.0, 0
        asked: deque[asyncio.Task[list[Shown]]] = deque()
        try:
            while span.last is None or after < span.last:
                while len(asked) < PAGES_AHEAD:
                    asked.append(asyncio.create_task(self._page(span, after + MAX_PAGE * len(asked))))
                page = await asked.popleft()
                if page:
                    after, waited_s = page[-1].message.sequence, 0.0
                    yield page
                if len(page) == MAX_PAGE:
                    short = 0
                    continue
                await _drop(asked)
                short += 1
                # What is missing at a page's end looks like the topic's end, until one asks on. Twice will do: else a
                # busy topic would never end.
                if after >= wanted and (not page or short > 1):
                    return
                if waited_s >= self.patience_s:
                    expected = f"messages up to {wanted}"
                    raise Refuted(self.topic_id, after + 1, "the mirror's end", expected=expected, got="nothing")
                if not page:
                    await asyncio.sleep(self.poll_interval_s)
                    waited_s += self.poll_interval_s
        finally:
            await _drop(asked)

    async def _page(self, span: Span, after: int) -> list[Shown]:
        limit = MAX_PAGE if span.last is None else min(MAX_PAGE, span.last - after)
        if limit <= 0:
            return []
        path = f"/api/v1/topics/{self.topic_id}/messages?sequencenumber=gte:{after + 1}&order=asc&limit={limit}"
        return await self.mirror.mirrors.get(path, _shown, self.topic_id) or []


def _shown(answer: object, remote: str) -> list[Shown]:
    rows = [row.values for row in decode.fields(answer, remote).rows("messages")]
    return [Shown(message, row) for message, row in zip(decode.messages(answer, remote), rows, strict=True)]


async def _drop(asked: deque[asyncio.Task[list[Shown]]]) -> None:
    """Pages that nobody waits for any more."""
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    asked.clear()
