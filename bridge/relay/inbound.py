"""The inbound corridor: tail the mirror, verify, join, open, store, hand to the hub."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bridge import settings
from bridge.config_sections import Relay
from bridge.database import Database
from bridge.errors import IntegrityBroken, Unavailable
from bridge.keys.ring import CampaignKeys, KeyRing
from bridge.log import get_logger
from bridge.relay import progress
from bridge.relay.store import News, Source, Store
from bridge.relay.tail import Batch, TopicRules, TopicTail
from bridge.schema import registry
from topics import errors as hcs
from topics.mirror.answers import TransactionOutcome
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.values import TopicId, TopicMessage

log = get_logger(__name__)

ALL_THERE_IS = 2**63 - 1
"""For a topic of which nobody said how far it has moved: later than any consensus time."""

Book = Callable[[Sequence[TransactionOutcome]], Awaitable[None]]


async def _unbooked(_rows: Sequence[TransactionOutcome]) -> None:
    """For who keeps no books."""


@dataclass(frozen=True, slots=True)
class Handing:
    """What the corridor hands on, given by app.py: to the outbox in the same transaction, to the hub behind it.

    `book` gets what the payer's submissions were charged, in consensus order; after a restart some of it again.
    """

    confirm: Callable[[Connection, Batch], None]
    publish: Callable[[Sequence[News]], None]
    book: Book = _unbooked


@dataclass(frozen=True, slots=True)
class Reading:
    """What topics are read with: from where, with whose keys, by which rules."""

    mirror: Mirror
    ring: KeyRing
    rules: Callable[[TopicId], TopicRules]


@dataclass(frozen=True, slots=True)
class _Followed:
    """A topic that is being read: whose it is, and how far it has been taken."""

    source: Source
    tail: TopicTail


class Inbound:
    """Holds the topics that are being read; everything else about them is in the database."""

    def __init__(
        self,
        limits: Relay,
        database: Database,
        store: Store,
        *,
        reading: Reading,
        handing: Handing,
    ) -> None:
        self._limits = limits
        self._database = database
        self._store = store
        self._reading = reading
        self._handing = handing
        self._followed: OrderedDict[TopicId, _Followed] = OrderedDict()  # the one read longest ago first
        self._behind: dict[TopicId, int] = {}  # up to which consensus time a topic is known to have moved
        self._told: set[TopicId] = set()  # of those, whose trouble stands in the log
        self._kept_ns = 0  # the cursor on disk, as far as this run has moved it
        self._parallel = asyncio.Semaphore(limits.max_parallel_topics)

    async def run(self, sweep: Sweep, *, poll_interval_s: float) -> None:
        """Follow every topic of ours, from where the last run came to, until cancelled."""
        reachable = True
        while True:
            try:
                await self.round(sweep)
                reachable = True
            except (Unavailable, hcs.Unavailable, hcs.MalformedAnswer, hcs.Rejected) as error:
                if reachable:
                    log.warning("relay waits for the mirror", reason=str(error))
                reachable = False
            await asyncio.sleep(poll_interval_s)

    def revisit(self, topic_id: TopicId) -> None:
        """Read the topic in the next round though nothing says that it moved: it was halted, and is not any more."""
        self._behind[topic_id] = ALL_THERE_IS
        self._kept_ns = 0  # the cursor on disk went back to where it halted

    async def round(self, sweep: Sweep) -> None:
        """Read what moved since the last round. The cursor on disk follows once all of it has been seen."""
        self._behind.update(await sweep.moved())
        async with asyncio.TaskGroup() as group:
            for topic_id, newest_ns in self._behind.items():
                group.create_task(self._follow(topic_id, newest_ns), name=f"topic-{topic_id}")
        await self._handing.book(sweep.rows)  # before the cursor: what isn't booked is swept again
        reached_ns = sweep.reached_ns
        if not self._behind and reached_ns > self._kept_ns:
            await self._database.write(lambda c: settings.keep_cursor(c, reached_ns))
            self._kept_ns = reached_ns
        sweep.commit()

    async def _follow(self, topic_id: TopicId, newest_ns: int) -> None:
        """Read one topic up to the message expected; what can't be read now stays behind for the next round."""
        async with self._parallel:
            try:
                done = await self._read_or_halt(topic_id, newest_ns)
            except (Unavailable, hcs.Unavailable, hcs.MalformedAnswer, hcs.Rejected) as error:
                if topic_id not in self._told:
                    log.warning("topic not read", topic=str(topic_id), reason=str(error))
                    self._told.add(topic_id)
                done = False
            if done:
                if self._behind.get(topic_id) == newest_ns:  # else it was asked for anew meanwhile
                    del self._behind[topic_id]
                self._told.discard(topic_id)
            else:
                self._followed.pop(topic_id, None)  # it may be ahead of what was stored

    async def _read_or_halt(self, topic_id: TopicId, newest_ns: int) -> bool:
        """Whether there is nothing left to read there now."""
        try:
            return await self._read_on(topic_id, newest_ns)
        except (hcs.IntegrityError, IntegrityBroken) as error:
            reason = str(error)
            self._followed.pop(topic_id, None)  # spent: what it took before the fault was not stored
            await self._database.write(lambda c: progress.halt(c, topic_id, reason))
            log.error("topic halted", topic=str(topic_id), reason=reason, hint=error.hint)
            return True

    async def _read_on(self, topic_id: TopicId, newest_ns: int) -> bool:
        followed = await self._follow_up(topic_id)
        if followed is None:
            return True
        tail = followed.tail
        while tail.position.consensus_ns < newest_ns:
            messages = await self._reading.mirror.messages(
                topic_id, after=tail.position.sequence, limit=self._limits.batch_messages
            )
            if not messages:
                return newest_ns == ALL_THERE_IS  # else the poll and the page came from different replicas
            await self._relay(followed, messages)
        return True

    async def _relay(self, followed: _Followed, messages: Sequence[TopicMessage]) -> None:
        source, ring = followed.source, self._reading.ring
        batch = await self._database.read(lambda c: followed.tail.take(messages, CampaignKeys(ring, c, source.ref)))
        news = await self._database.write(lambda c: self._keep(c, source, batch))
        self._handing.publish(news)

    def _keep(self, connection: Connection, source: Source, batch: Batch) -> list[News]:
        self._handing.confirm(connection, batch)
        return self._store.append(connection, source, batch)

    async def _follow_up(self, topic_id: TopicId) -> _Followed | None:
        """The topic where it was left; None for one that isn't ours, or is halted."""
        followed = self._followed.get(topic_id)
        if followed is None:
            followed = await self._database.read(lambda c: self._pick_up(c, topic_id))
            if followed is None:
                return None
            self._followed[topic_id] = followed
        self._followed.move_to_end(topic_id)
        if len(self._followed) > self._limits.max_open_topics:
            self._followed.popitem(last=False)
        return followed

    def _pick_up(self, connection: Connection, topic_id: TopicId) -> _Followed | None:
        registration = registry.by_topic(connection, topic_id)
        if registration is None or progress.halted(connection, topic_id) is not None:
            return None
        tail = TopicTail(self._reading.rules(topic_id), progress.of(connection, topic_id))
        return _Followed(Source(topic_id, registration.ref), tail)
