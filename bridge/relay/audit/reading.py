"""Reads a whole topic from a mirror, page by page with some pages ahead, and has each page judged and compared."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass

from bridge.protocol.wire.epochs import KeyLookup, KeyTable
from bridge.relay.audit.judge import Judge, Rules
from bridge.relay.audit.publications import Publications
from bridge.relay.audit.receipts import Receipts
from bridge.relay.audit.verdict import Refuted, Verdict
from topics.errors import Rejected
from topics.mirror.rest import MAX_PAGE, Mirror
from topics.values import START, Position, TopicMessage

PAGES_AHEAD = 4
"""Asked for before they are needed: what a mirror far away takes for its answer is waited for once."""
WORKERS = min(os.cpu_count() or 1, 4)


@dataclass(frozen=True, slots=True)
class Span:
    """Sequence numbers `first` to `last`, both included; None: as far as the mirror goes."""

    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What our own database has of the topic; `halted` is why the relay reads no further there."""

    keys: KeyLookup
    receipts: Receipts
    publications: Publications
    halted: str | None


@dataclass(frozen=True, slots=True)
class Audit:
    """What a topic is read with. `patience_s` is how long a mirror may be behind what is on record."""

    mirror: Mirror
    rules: Rules
    span: Span
    record: OnRecord | None
    patience_s: float
    poll_interval_s: float

    async def run(self, on_page: Callable[[int, int | None], None] = lambda _done, _of: None) -> Verdict:
        """Read, and stop at the first fault. `on_page` is told how many messages are done, of how many if known.

        Raises as the mirror's client does, and Unavailable for the database; nothing is written anywhere.
        """
        start = await self._start()
        keys = KeyTable() if self.record is None else self.record.keys
        with ThreadPoolExecutor(WORKERS, "audit") as workers:
            judge = Judge(self.rules, start, keys, workers=workers, parallel=WORKERS, all_ours=self.record is None)
            fault = None
            try:
                await self._judge_all(judge, on_page)
            except Refuted as refuted:
                fault = refuted
        manifest = judge.manifest
        return Verdict(
            self.rules.topic_id,
            self.span.first,
            judge.position.sequence,
            judge.counts,
            pinned=self.rules.public_key is not None,
            signed=None if manifest is None else manifest.context.signed,
            start=None if start is START else start.running_hash,
            store=self.record is not None,
            halted=None if self.record is None else self.record.halted,
            fault=fault,
        )

    async def _start(self) -> Position:
        if self.span.first == 1:
            return START
        before = await self._message(self.span.first - 1)
        return Position(before.sequence, before.consensus_ns, before.running_hash)

    async def _judge_all(self, judge: Judge, on_page: Callable[[int, int | None], None]) -> None:
        if self.span.first > 1:
            judge.begin(await self._message(1))
        newest = 0 if self.record is None else await asyncio.to_thread(self.record.receipts.newest)
        wanted = self.span.last or newest
        async with aclosing(self._pages(wanted)) as pages:
            async for page in pages:
                await asyncio.to_thread(self._compare, judge, page)
                done = judge.position.sequence + 1 - self.span.first
                on_page(done, wanted + 1 - self.span.first if wanted else None)
        if self.record is not None:
            await asyncio.to_thread(self.record.publications.hold_number, judge.position.sequence, judge.counts)

    def _compare(self, judge: Judge, messages: Sequence[TopicMessage]) -> None:
        """Raise the earliest of the faults that there are: what a receipt contradicts often breaks something else."""
        faults, page = [], None
        try:
            page = judge.take(messages)
        except Refuted as refuted:
            faults.append(refuted)
        if self.record is not None:
            try:
                self.record.receipts.hold(messages, judge.counts)
                if page is not None:
                    self.record.publications.hold(page, judge.counts)
            except Refuted as refuted:
                faults.append(refuted)
        if faults:
            raise min(faults, key=lambda fault: fault.sequence)

    async def _pages(self, wanted: int) -> AsyncGenerator[list[TopicMessage]]:
        """Page after page; messages up to `wanted` are waited for. Raises Refuted when they don't come."""
        after, waited_s, short = self.span.first - 1, 0.0, 0
        asked: deque[asyncio.Task[list[TopicMessage]]] = deque()
        try:
            while self.span.last is None or after < self.span.last:
                while len(asked) < PAGES_AHEAD:
                    asked.append(asyncio.create_task(self._page(after + MAX_PAGE * len(asked))))
                page = await asked.popleft()
                if page:
                    after, waited_s = page[-1].sequence, 0.0
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
                    raise Refuted(self.rules.topic_id, after + 1, "the mirror's end", expected=expected, got="nothing")
                if not page:
                    await asyncio.sleep(self.poll_interval_s)
                    waited_s += self.poll_interval_s
        finally:
            await _drop(asked)

    async def _page(self, after: int) -> list[TopicMessage]:
        last = self.span.last
        limit = MAX_PAGE if last is None else min(MAX_PAGE, last - after)
        return await self.mirror.messages(self.rules.topic_id, after=after, limit=limit) if limit > 0 else []

    async def _message(self, sequence: int) -> TopicMessage:
        found = await self.mirror.message(self.rules.topic_id, sequence)
        if found is None:
            raise Rejected(f"message {sequence} of topic {self.rules.topic_id} at mirror {self.mirror.url}", "HTTP 404")
        return found


async def _drop(asked: deque[asyncio.Task[list[TopicMessage]]]) -> None:
    """Pages that nobody waits for any more."""
    for task in asked:
        task.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    asked.clear()
