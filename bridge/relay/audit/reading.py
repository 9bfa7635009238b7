"""Reads a whole topic from where it is shown, and has each page judged and compared."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass

from bridge.protocol.wire.epochs import KeyLookup, KeyTable
from bridge.relay.audit.judge import Judge, Rules
from bridge.relay.audit.publications import Publications
from bridge.relay.audit.receipts import Receipts
from bridge.relay.audit.source import Source, Span
from bridge.relay.audit.verdict import Refuted, Verdict
from topics.values import START, Position, TopicMessage

WORKERS = min(os.cpu_count() or 1, 4)


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What our own database has of the topic, or a bundle, in which there are no publications and may be no keys.

    `halted` is why the relay reads no further there.
    """

    keys: KeyLookup | None
    receipts: Receipts
    publications: Publications | None = None
    halted: str | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """What a topic is read with. `bundle`: the source is one, and the rules' key, unless `pinned`, is its own word."""

    source: Source
    rules: Rules
    span: Span
    record: OnRecord | None
    pinned: bool
    bundle: bool = False

    async def run(self, on_page: Callable[[int, int | None], None] = lambda _done, _of: None) -> Verdict:
        """Read, and stop at the first fault. `on_page` is told how many messages are done, of how many if known.

        Raises as the source does, and Unavailable for the database; nothing is written anywhere.
        """
        start = await self._start()
        record = self.record
        keys = None if record is None else record.keys
        with ThreadPoolExecutor(WORKERS, "audit") as workers:
            judge = Judge(
                self.rules, start, keys or KeyTable(), workers=workers, parallel=WORKERS, all_ours=keys is None
            )
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
            pinned=self.pinned,
            signed=None if manifest is None else manifest.context.signed,
            start=None if start is START else start.running_hash,
            store=record is not None and not self.bundle,
            bundle=self.rules.network if self.bundle else None,
            halted=None if record is None else record.halted,
            fault=fault,
        )

    async def _start(self) -> Position:
        if self.span.first == 1:
            return START
        before = await self.source.message(self.span.first - 1)
        return Position(before.sequence, before.consensus_ns, before.running_hash)

    async def _judge_all(self, judge: Judge, on_page: Callable[[int, int | None], None]) -> None:
        if self.span.first > 1:
            judge.begin(await self.source.message(1))
        wanted = self.span.last or (0 if self.record is None else self.record.receipts.newest)
        async with aclosing(self.source.pages(self.span, wanted)) as pages:
            async for page in pages:
                await asyncio.to_thread(self._compare, judge, page)
                done = judge.position.sequence + 1 - self.span.first
                on_page(done, wanted + 1 - self.span.first if wanted else None)
        if self.record is not None and self.record.publications is not None:
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
                if page is not None and self.record.publications is not None:
                    self.record.publications.hold(page, judge.counts)
            except Refuted as refuted:
                faults.append(refuted)
        if faults:
            raise min(faults, key=lambda fault: fault.sequence)
