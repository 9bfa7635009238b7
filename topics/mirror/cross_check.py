"""A sample of the messages compared with a second mirror, so that one alone can't rewrite a topic's end unnoticed."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable

from topics.errors import MirrorsDisagree, NoSecondMirror, TopicsError
from topics.mirror.answers import Page
from topics.mirror.rest import Mirror
from topics.values import TopicMessage

log = logging.getLogger(__name__)


class CrossCheck:
    """Holds the part of the sample that the second mirror doesn't have yet: it may be some seconds behind.

    What the running hash covers of `mirror.cross_check` of all messages is compared, and the chunk info, which it does
    not cover. `max_unchecked` messages wait at most, the oldest fall out and count as unchecked.
    """

    def __init__(
        self, mirror: Mirror, *, share: float, max_unchecked: int, draw: Callable[[], float] = random.random
    ) -> None:
        self._mirror = mirror
        self._share = share
        self._waiting: deque[tuple[TopicMessage, str]] = deque()  # each with who showed it
        self._max_unchecked = max_unchecked
        self._draw = draw
        self.agreed = 0
        """Messages that both showed alike."""
        self.unchecked = 0
        """Messages of the sample that no second mirror was found for in time."""

    def sample(self, page: Page) -> None:
        """Draw from a page that was verified."""
        if self._share <= 0:
            return
        self._waiting.extend((message, page.source) for message in page if self._draw() < self._share)
        while len(self._waiting) > self._max_unchecked:
            self._waiting.popleft()
            self.unchecked += 1

    async def compare(self) -> None:
        """Ask for each that waits once; those not there yet, or not to be had now, wait for the next call.

        Raises MirrorsDisagree for the first that differs, which waits no more; those behind it do.
        """
        for _ in range(len(self._waiting)):
            message, source = self._waiting.popleft()
            try:
                other = await self._mirror.message_elsewhere(message.topic_id, message.sequence, source=source)
            except NoSecondMirror:
                self.unchecked += 1
                continue
            except TopicsError:
                self._waiting.appendleft((message, source))
                return
            if other is None:
                self._waiting.append((message, source))
                continue
            contradict(message, other)
            self.agreed += 1

    async def run(self, *, interval_s: float) -> None:
        """Compare until cancelled. What differs is logged: which of the two is wrong, only an operator can tell."""
        while True:
            try:
                await self.compare()
            except MirrorsDisagree as error:
                log.error("%s; %s", error, error.hint)
            else:
                await asyncio.sleep(interval_s)


def contradict(one: TopicMessage, other: TopicMessage) -> None:
    """Raise MirrorsDisagree if two mirrors don't show the same message."""
    for name in ("topic_id", "sequence", "running_hash", "message", "consensus_ns", "payer", "chunk"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine != theirs:
            raise MirrorsDisagree(one.topic_id, one.sequence, what=name, expected=mine, got=theirs)
