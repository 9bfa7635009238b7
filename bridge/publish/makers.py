"""Makes topics at the network's pace, beside the flights: who waits for a topic holds up nobody who has one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from bridge.config_sections import Topics
from bridge.errors import BudgetSpent, IntegrityBroken, Unavailable
from topics import errors as hcs
from topics.creator import TopicSource
from topics.mirror.pace import Pace
from topics.values import TopicId

FAILURES = (Unavailable, BudgetSpent, IntegrityBroken, hcs.Unavailable, hcs.MalformedAnswer, hcs.Rejected)
"""What a creation may end with. The intent is on disk, so it can be tried again."""


class TopicAwaited(Exception):
    """The topic is being made, and who asked is woken once there is news of it."""


class Turnstile:
    """Lets topics through to the network one by one, at most so many a second."""

    def __init__(
        self,
        per_s: float,
        *,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._pace = Pace(per_s)
        self._now_s = now_s
        self._sleep = sleep
        self._open = asyncio.Event()
        self._open.set()

    async def enter(self) -> None:
        """Wait for a place. Once the turnstile is shut, for ever."""
        await self._sleep(self._pace.reserve(self._now_s()))
        await self._open.wait()

    def shared_by(self, daemons: int) -> None:
        """So many go through together, at that pace in all."""
        self._pace.share(1 / daemons)

    def shut(self) -> None:
        """Let nobody through any more."""
        self._open.clear()

    @property
    def is_shut(self) -> bool:
        """Whether there is no way through any more."""
        return not self._open.is_set()


class Makers:
    """Holds who waits for a topic, in order, and what the last attempt for it ended with.

    Port: topics.creator.TopicSource, but `create` never waits.
    """

    def __init__(self, settings: Topics, source: TopicSource, turnstile: Turnstile) -> None:
        self._settings = settings
        self._source = source
        self._turnstile = turnstile
        self._queue: deque[str] = deque()
        self._known: set[str] = set()  # in the queue, or being made
        self._making: set[str] = set()
        self._made = asyncio.Event()
        self._failed: dict[str, Exception] = {}
        self._turns = asyncio.Semaphore(0)  # one permit for each place in the queue
        self._nobody_waits = asyncio.Event()
        self._nobody_waits.set()
        self._one_spare = asyncio.Lock()

    async def create(self, ref: str) -> TopicId:
        """Have the topic of `ref` made. Raises TopicAwaited; once, after a failed attempt, what it ended with."""
        if (failure := self._failed.pop(ref, None)) is not None:
            raise failure
        if ref not in self._known:
            self._known.add(ref)
            self._queue.append(ref)
            self._nobody_waits.clear()
            self._turns.release()
        raise TopicAwaited(ref)

    async def run(self, wake: Callable[[Iterable[str]], None], is_mine: Callable[[str], bool]) -> None:
        """Make topics until cancelled, for whom it still is ours to; `wake` is told of whom there is news."""
        async with asyncio.TaskGroup() as workers:
            for number in range(self._settings.max_creations):
                workers.create_task(self._work(wake, is_mine), name=f"topics-{number}")

    async def spare(self) -> None:
        """A place for a topic that can wait: it comes when no campaign waits for its own, and one at a time."""
        async with self._one_spare:
            await self._nobody_waits.wait()
            await self._turnstile.enter()

    async def left(self, is_mine: Callable[[str], bool]) -> None:
        """Return once no topic is being made for campaigns that aren't ours any more."""
        while not all(map(is_mine, self._making)):
            self._made.clear()
            await self._made.wait()

    def drain(self) -> None:
        """Begin no topic any more. Those under way are on disk, and are settled at the next start at the latest."""
        self._turnstile.shut()

    async def _work(self, wake: Callable[[Iterable[str]], None], is_mine: Callable[[str], bool]) -> None:
        while True:
            await self._turns.acquire()
            if self._turnstile.is_shut:
                continue
            ref = self._queue.popleft()
            if not self._queue:
                self._nobody_waits.set()
            if is_mine(ref):
                await self._make(ref)
            self._known.discard(ref)
            wake([ref])

    async def _make(self, ref: str) -> None:
        self._making.add(ref)
        try:
            await self._source.create(ref)
        except FAILURES as failure:
            self._failed[ref] = failure
        finally:
            self._making.discard(ref)
            self._made.set()
