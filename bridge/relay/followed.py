"""The topics that are being read: each as far as it is stored, and in the hands of one reader at a time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from sqlalchemy import Connection

from bridge.database import Database
from bridge.relay import progress
from bridge.relay.store import Source
from bridge.relay.tail import TopicRules, TopicTail
from bridge.schema import registry
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class Followed:
    """A topic that is being read: whose it is, and how far it has been taken."""

    source: Source
    tail: TopicTail


class FollowedTopics:
    """Holds those of the topics that were read last, at most `max_open_topics`; the database has the others.

    Whoever calls `at`, `hold` or `drop` has the topic's `turn`. A tail that is ahead of what is stored isn't held.
    """

    def __init__(
        self,
        database: Database,
        rules: Callable[[TopicId], TopicRules],
        is_mine: Callable[[str], bool],
        *,
        max_open_topics: int,
    ) -> None:
        self._database = database
        self._rules = rules
        self._is_mine = is_mine
        self._max_open_topics = max_open_topics
        self._held: OrderedDict[TopicId, Followed] = OrderedDict()  # the one read longest ago first
        self._elsewhere: OrderedDict[TopicId, str] = OrderedDict()  # others' topics that moved, by their refs
        self._turns: WeakValueDictionary[TopicId, asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._held)

    def turn(self, topic_id: TopicId) -> asyncio.Lock:
        """Sweep and stream take turns; the lock exists only while somebody has it, or waits."""
        return self._turns.setdefault(topic_id, asyncio.Lock())

    def stored(self, topic_id: TopicId) -> int:
        """The last sequence number that is known to be stored; 0 for a topic that isn't held."""
        followed = self._held.get(topic_id)
        return 0 if followed is None else followed.tail.position.sequence

    async def at(self, topic_id: TopicId) -> Followed | None:
        """The topic where it was left; None for one that isn't this daemon's to read, or is halted."""
        ref = self._elsewhere.get(topic_id)
        if ref is not None and not self._is_mine(ref):
            return None
        followed = self._held.get(topic_id)
        if followed is None:
            followed = await self._database.read(lambda c: self._pick_up(c, topic_id))
            if followed is None:
                return None
        if not self._is_mine(followed.source.ref):
            self._leave(followed.source)
            return None
        self.hold(followed)
        return followed

    async def left(self) -> None:
        """Return once nothing is being read of topics that aren't this daemon's any more; they are forgotten."""
        for turn in list(self._turns.values()):
            async with turn:
                pass
        for followed in list(self._held.values()):
            if not self._is_mine(followed.source.ref):
                self._leave(followed.source)

    def hold(self, followed: Followed) -> None:
        """Go on from there the next time: what its tail has taken is stored."""
        self._held[followed.source.topic_id] = followed
        self._held.move_to_end(followed.source.topic_id)
        if len(self._held) > self._max_open_topics:
            self._held.popitem(last=False)

    def drop(self, topic_id: TopicId) -> None:
        """Go on from what is stored the next time."""
        self._held.pop(topic_id, None)

    def _leave(self, source: Source) -> None:
        """Others read it, and what is known of it here gets old."""
        self.drop(source.topic_id)
        self._elsewhere[source.topic_id] = source.ref
        self._elsewhere.move_to_end(source.topic_id)
        if len(self._elsewhere) > self._max_open_topics:
            self._elsewhere.popitem(last=False)

    def _pick_up(self, connection: Connection, topic_id: TopicId) -> Followed | None:
        registration = registry.by_topic(connection, topic_id)
        if registration is None or progress.halted(connection, topic_id) is not None:
            return None
        rules = replace(self._rules(topic_id), sealed=registration.sealed)
        tail = TopicTail(rules, progress.of(connection, topic_id))
        return Followed(Source(topic_id, registration.ref), tail)
