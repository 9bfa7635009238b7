"""The inbound corridor: tail the mirror, verify, join, open, store, hand to the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from bridge.config_sections import Relay
from bridge.database import Database
from bridge.errors import IntegrityBroken, ProducerGap, ReceiptContradicted, Unavailable
from bridge.keys.ring import CampaignKeys
from bridge.leases import Leases
from bridge.log import get_logger
from bridge.relay import progress
from bridge.relay.counted import counted, topic_halted
from bridge.relay.followed import Followed, FollowedTopics
from bridge.relay.handing import Handing, Reading
from bridge.relay.hot import sift
from bridge.relay.reach import Reach
from bridge.relay.store import News, Source, Store, portions
from bridge.relay.tail import Batch
from topics import errors as hcs
from topics.mirror.answers import Page
from topics.mirror.sweep import Sweep
from topics.values import Position, TopicId, TopicMessage

log = get_logger(__name__)

ALL_THERE_IS = 2**63 - 1  # for a topic of which nobody said how far it has moved: later than any consensus time

MIRRORS_FAULT = (hcs.IntegrityError, ProducerGap, ReceiptContradicted)
"""What a mirror can cause by what it shows; a seal of ours that is broken is nobody's fault but ours."""


class Inbound:
    """Holds the topics that are being read; everything else about them is in the database."""

    def __init__(
        self,
        limits: Relay,
        database: Database,
        store: Store,
        leases: Leases,
        *,
        reading: Reading,
        handing: Handing,
    ) -> None:
        self._limits = limits
        self._database = database
        self._store = store
        self._reach = Reach(database, leases)
        self._reading = reading
        self._handing = handing
        max_open_topics = limits.max_open_topics
        self._followed = FollowedTopics(database, reading.rules, leases.is_mine, max_open_topics=max_open_topics)
        self._behind: dict[TopicId, int] = {}  # up to which consensus time a topic is known to have moved
        self._told: set[TopicId] = set()  # of those, whose trouble stands in the log
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
                    log.warning("relay waits", reason=str(error))
                reachable = False
            await asyncio.sleep(poll_interval_s)

    def revisit(self, topic_id: TopicId) -> None:
        """Read the topic in the next round though nothing says that it moved: it was halted, and is not any more."""
        self._reading.mirror.mirrors.trust(topic_id)
        self._behind[topic_id] = ALL_THERE_IS
        self._reach.lowered()

    async def round(self, sweep: Sweep) -> None:
        """Read what moved since the last round. The cursor on disk follows once all of it has been seen."""
        await self._reach.begin(sweep)
        self._behind.update(await sweep.moved())
        async with asyncio.TaskGroup() as group:
            for topic_id, newest_ns in self._behind.items():
                group.create_task(self._follow(topic_id, newest_ns), name=f"topic-{topic_id}")
        if self._reach.has_first:
            await self._handing.book(sweep.rows)  # before the cursor: what isn't booked is swept again
        if not self._behind:
            await self._reach.end(sweep.reached_ns)
        sweep.commit()

    async def left(self) -> None:
        """Return once nothing is being read of topics that aren't this daemon's any more."""
        await self._followed.left()

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

    def stored(self, topic_id: TopicId) -> int:
        """The last sequence number that is known to be stored; 0 where the topic wasn't read lately."""
        return self._followed.stored(topic_id)

    async def position(self, topic_id: TopicId) -> Position | None:
        """Up to where a topic is verified and stored; None for one that isn't ours to read, or is halted."""
        async with self._followed.turn(topic_id):
            followed = await self._followed.at(topic_id)
            return None if followed is None else followed.tail.position

    async def take(self, topic_id: TopicId, messages: Sequence[TopicMessage]) -> list[TopicMessage]:
        """Relay what a stream brought, as far as nothing in it needs REST; what lacks chunks comes back.

        A stream alone neither halts a topic nor makes a message count as unreadable: where something doesn't follow,
        doesn't open or doesn't agree, it is dropped with all behind it, and the next round reads the topic by REST.
        """
        async with self._followed.turn(topic_id):
            followed = await self._followed.at(topic_id)
            if followed is None:
                return []
            sifted = sift(topic_id, messages, followed.tail.position, followed.tail.unfinished)
            try:
                is_sound = not sifted.sound or await self._relay(followed, sifted.sound, streamed=True)
            except (hcs.IntegrityError, IntegrityBroken, Unavailable):
                is_sound = False
        if not is_sound or sifted.doubtful or len(sifted.waiting) >= self._limits.batch_messages:
            self._behind.setdefault(topic_id, ALL_THERE_IS)
            return []
        self._reading.sample(Page(sifted.sound, self._reading.mirror.url))  # whose streams are wanted first, too
        return sifted.waiting

    async def _read_or_halt(self, topic_id: TopicId, newest_ns: int) -> bool:
        """Whether there is nothing left to read there now."""
        try:
            return await self._read_on(topic_id, newest_ns)
        except (hcs.IntegrityError, IntegrityBroken) as error:
            reason = str(error)
            async with self._followed.turn(topic_id):  # or a stream might go on with what it found before
                self._followed.drop(topic_id)
                await self._database.write(lambda c: progress.halt(c, topic_id, reason))
            topic_halted()
            log.error("topic halted", topic=str(topic_id), reason=reason, hint=error.hint)
            return True

    async def _read_on(self, topic_id: TopicId, newest_ns: int) -> bool:
        """Page by page. The topic is free while the mirror is asked, so a stream may bring the same meanwhile."""
        while True:
            position = await self.position(topic_id)
            if position is None or position.consensus_ns >= newest_ns:
                return True
            asked = position.sequence
            page = await self._reading.mirror.messages(topic_id, after=asked, limit=self._limits.batch_messages)
            if not page:
                return newest_ns == ALL_THERE_IS  # else the poll and the page came from different replicas
            if not await self._relay_page(topic_id, page, asked):
                return False

    async def _relay_page(self, topic_id: TopicId, page: Page, asked: int) -> bool:
        """Whether the page was believed; if not, the next round asks another mirror. Raises where none is left."""
        async with self._followed.turn(topic_id):
            followed = await self._followed.at(topic_id)
            if followed is None or (position := followed.tail.position.sequence) < asked:
                return True  # it was dropped, and goes on further back: asked again from there
            if position > asked:
                page = Page((message for message in page if message.sequence > position), page.source)
            try:
                if page:
                    await self._relay(followed, page)
            except MIRRORS_FAULT as error:
                if not self._reading.mirror.mirrors.distrust(topic_id, page.source):
                    raise
                log.error("mirror not believed", topic=str(topic_id), mirror=page.source, reason=str(error))
                return False
        self._reading.sample(page)
        return True

    async def _relay(self, followed: Followed, messages: Sequence[TopicMessage], *, streamed: bool = False) -> bool:
        """Whether they were stored. Of those `streamed` none is, if one gives nothing or is left unfinished."""
        source, tail = followed.source, followed.tail
        self._followed.drop(source.topic_id)  # while it is ahead of what is stored; if this fails, for good
        skipped = tail.skipped
        batch = await self._database.read_together(self._open, (followed, messages))
        if streamed and (batch.progress.skipped, batch.progress.resume) != (skipped, tail.position):
            return False
        news = await self._database.write_together(self._keep, (source, batch))
        self._followed.hold(followed)
        self._handing.publish(news)
        counted(batch)
        return True

    def _open(
        self, connection: Connection, arrived: Sequence[tuple[Followed, Sequence[TopicMessage]]]
    ) -> list[Batch | BaseException]:
        """What the messages of each topic come to, or why that topic can't go on."""
        batches, handing = list[Batch | BaseException](), self._handing
        recognise, recall = partial(handing.recognise, connection), partial(handing.recall, connection)
        for followed, messages in arrived:
            keys = CampaignKeys(self._reading.ring, connection, followed.source.ref)
            try:
                batches.append(followed.tail.take(messages, keys, recognise, recall))
            except (hcs.IntegrityError, IntegrityBroken) as error:
                batches.append(error)
        return batches

    def _keep(
        self, connection: Connection, opened: Sequence[tuple[Source, Batch]]
    ) -> list[list[News] | IntegrityBroken]:
        """Confirm in the outbox and store, many topics at once; nothing of one whose receipts say otherwise."""
        kept: list[list[News] | IntegrityBroken] = []
        for some in portions(opened):
            refused = self._handing.confirm(connection, [batch for _, batch in some])
            sound = [each for each, error in zip(some, refused, strict=True) if error is None]
            news = iter(self._store.append(connection, sound))
            kept += [next(news) if error is None else error for error in refused]
        return kept
