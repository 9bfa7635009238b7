"""Topics that others write to as well: no poll by payer shows that they moved, so each is looked at in its turn."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

from topics.errors import TopicsError
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.values import AccountId, TopicId

SHARE_OF_REQUESTS = 0.25
"""Of `max_requests_per_s`, what all these looks may take; where that isn't enough a round takes longer."""


class ForeignRound:
    """Looks at each of `topics` once in `interval_s`, the one looked at longest ago first, one request a look.

    `topics` is asked once in that time, too. The round also finds what a sweep can't: our own messages that a mirror
    leaves out of its list of transactions, and those of an account that paid for us before.
    """

    def __init__(
        self,
        mirror: Mirror,
        topics: Callable[[], Awaitable[Collection[TopicId]]],
        *,
        interval_s: float,
        max_requests_per_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mirror = mirror
        self._list = topics
        self._list_at = now()
        self._interval_s = interval_s
        self._max_per_s = max_requests_per_s * SHARE_OF_REQUESTS
        self._now = now
        self._topics: OrderedDict[TopicId, int] = OrderedDict()  # with the newest consensus time that was seen
        self._found: dict[TopicId, int] = {}
        self._allowed = 1.0
        self._at = now()

    async def moved(self) -> dict[TopicId, int]:
        """The topics due now that have moved since they were looked at last, each with its newest consensus time.

        A topic looked at for the first time counts as moved if it has any message. Raises as `Mirror` does; what was
        found before that is told by the next call, and the topic that failed has lost its turn.
        """
        if self._now() >= self._list_at:
            self._replace(await self._list())
            self._list_at = self._now() + self._interval_s
        for _ in range(self._due()):
            topic_id, seen_ns = next(iter(self._topics.items()))
            self._topics.move_to_end(topic_id)
            newest = await self._mirror.newest_message(topic_id)
            if newest is not None and newest.consensus_ns > seen_ns:
                self._topics[topic_id] = newest.consensus_ns
                self._found[topic_id] = newest.consensus_ns
        found, self._found = self._found, {}
        return found

    def _replace(self, topics: Collection[TopicId]) -> None:
        """These from now on. What is known of one that stays is kept, and so is its turn; new ones come first."""
        known, self._topics = self._topics, OrderedDict()
        self._topics.update((topic_id, 0) for topic_id in topics if topic_id not in known)
        stay = set(topics)
        self._topics.update((topic_id, newest_ns) for topic_id, newest_ns in known.items() if topic_id in stay)

    def _due(self) -> int:
        now = self._now()
        per_s = min(len(self._topics) / self._interval_s, self._max_per_s)
        self._allowed = min(self._allowed + (now - self._at) * per_s, max(per_s, 1.0), len(self._topics))
        self._at = now
        due = int(self._allowed)
        self._allowed -= due
        return due


class WideSweep(Sweep):
    """The sweep by payer, and beside it the round for what others wrote, whose trouble holds up nothing."""

    def __init__(
        self, mirror: Mirror, payer: AccountId, foreign: ForeignRound, *, cursor_ns: int, slack_ns: int | None = None
    ) -> None:
        super().__init__(mirror, payer, cursor_ns=cursor_ns, slack_ns=slack_ns)
        self._foreign = foreign

    async def moved(self) -> dict[TopicId, int]:
        """As the sweep, with the topics of the round that are due and have moved."""
        moved = await super().moved()
        with suppress(TopicsError):  # the mirror's host tells of it, and the topic's turn comes again
            for topic_id, newest_ns in (await self._foreign.moved()).items():
                moved[topic_id] = max(newest_ns, moved.get(topic_id, 0))
        return moved
