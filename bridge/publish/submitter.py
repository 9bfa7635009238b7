"""The outbound corridor's second half: every campaign that has work gets a flight in turn, one at a time each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set

from sqlalchemy import Connection

from bridge.config_sections import Publish
from bridge.database import Database
from bridge.errors import BudgetSpent, IntegrityBroken, Unavailable
from bridge.log import get_logger
from bridge.publish import flights, outbox
from bridge.publish.carrier import Carrier
from bridge.publish.makers import Makers, TopicAwaited
from bridge.publish.troubles import Troubles
from bridge.schema import registry
from topics import errors as hcs

log = get_logger(__name__)


class Submitter:
    """Holds which campaigns have work, in the order in which they get their turn.

    With `makers`, to whom the carrier hands what needs a topic first, flights wait for no topic but their own.
    """

    def __init__(
        self,
        settings: Publish,
        database: Database,
        carrier: Carrier,
        *,
        is_mine: Callable[[str], bool],
        makers: Makers | None = None,
    ) -> None:
        self._is_mine = is_mine
        self._settings = settings
        self._database = database
        self._carrier = carrier
        self._makers = makers
        self._queue: deque[str] = deque()
        self._known: set[str] = set()  # in the queue, under way, or waiting for the next attempt
        self._woken: set[str] = set()  # got more work while known
        self._failures: dict[str, int] = {}
        self._stopped: dict[str, str] = {}  # by a budget, and by which
        self._troubles = Troubles()  # why the last turn carried nothing
        self._later: dict[str, asyncio.TimerHandle] = {}  # when the next turn begins to be due
        self._turns = asyncio.Semaphore(0)  # one permit for each place in the queue
        self._draining = False
        self._flying: set[str] = set()
        self._idle = asyncio.Event()
        self._ended = asyncio.Event()  # a turn

    def wake(self, refs: Iterable[str]) -> None:
        """These campaigns have something on disk to send; those that are others' don't count.

        They linger a little: what comes now shares the frame.
        """
        for ref in refs:
            if not self._is_mine(ref):
                continue
            if ref in self._known:
                self._woken.add(ref)
            else:
                self._known.add(ref)
                self._enqueue_in(self._linger_s(), ref)

    def hurry(self, refs: Iterable[str]) -> None:
        """The same, now: an operator has had a hand in what they wait for."""
        for ref in refs:
            if (later := self._later.pop(ref, None)) is not None:
                later.cancel()
                self._enqueue(ref)
            else:
                self.wake([ref])

    @property
    def waits(self) -> Mapping[str, str]:
        """The campaigns of which nothing could be carried when they last had a turn, each with why; the dict itself."""
        return self._troubles.why

    @property
    def flying(self) -> Set[str]:
        """The campaigns that are writing to the ledger now, at most `max_flights`; the set itself."""
        return self._flying

    def stopped(self, ref: str) -> str | None:
        """Which budget the campaign waits for, with its sums; None while none is in its way."""
        return self._stopped.get(ref)

    async def run(self) -> None:
        """Carry flights until cancelled, beginning with those that the last run left open."""
        await self.look()
        async with asyncio.TaskGroup() as workers:
            for number in range(self._settings.max_flights):
                workers.create_task(self._work(), name=f"flights-{number}")
            if self._makers is not None:
                workers.create_task(self._makers.run(self.wake, self._is_mine), name="topics")

    async def look(self) -> None:
        """Wake the campaigns that have work, by what is on disk. Raises Unavailable."""
        self.wake(await self._database.read(_refs_left))

    async def drain(self) -> None:
        """Begin no flight any more, and wait for those under way, at most `drain_timeout_s`.

        What isn't settled by then goes on at the next start: it is on disk.
        """
        self._draining = True
        if self._makers is not None:
            self._makers.drain()
        if not self._flying:
            return
        self._idle.clear()
        try:
            await asyncio.wait_for(self._idle.wait(), self._settings.drain_timeout_s)
        except TimeoutError:
            log.info("flights left for the next start", flights=len(self._flying))

    async def _work(self) -> None:
        while True:
            await self._turns.acquire()
            if self._draining:
                continue
            ref = self._queue.popleft()
            if not self._is_mine(ref):
                self._forget(ref)
                continue
            self._flying.add(ref)
            try:
                delay_s = await self._turn(ref)
            finally:
                self._flying.discard(ref)
                self._ended.set()
                if not self._flying:
                    self._idle.set()
            if delay_s is None and ref in self._woken:
                delay_s = self._linger_s()
            if delay_s is not None:
                self._enqueue_in(delay_s, ref)
            else:
                self._known.discard(ref)

    async def left(self) -> None:
        """Return once nothing is under way for campaigns that aren't this daemon's any more."""
        if self._makers is not None:
            await self._makers.left(self._is_mine)
        while not all(map(self._is_mine, self._flying)):
            self._ended.clear()
            await self._ended.wait()

    def _forget(self, ref: str) -> None:
        """Others carry it."""
        self._known.discard(ref)
        self._woken.discard(ref)
        self._went_well(ref)

    def _went_well(self, ref: str) -> None:
        """Nothing stands in its way any more."""
        self._failures.pop(ref, None)
        self._stopped.pop(ref, None)
        self._troubles.over(ref)

    def _linger_s(self) -> float:
        """Longer while many requests share a commit: a flight takes the CPU of several, and they fill it."""
        linger_ms = self._settings.linger_ms
        return min(linger_ms * max(1, self._database.together), max(linger_ms, self._settings.linger_max_ms)) / 1000

    def _enqueue_in(self, delay_s: float, ref: str) -> None:
        self._later[ref] = asyncio.get_running_loop().call_later(delay_s, self._enqueue, ref)

    def _enqueue(self, ref: str) -> None:
        self._later.pop(ref, None)
        self._queue.append(ref)
        self._turns.release()

    async def _turn(self, ref: str) -> float | None:
        """Carry one flight. In how many seconds the campaign's next turn is due; None: when it is woken."""
        self._woken.discard(ref)
        try:
            carried = await self._carrier.advance(ref)
        except TopicAwaited:
            return None
        except BudgetSpent as error:
            self._troubles.stopped(ref, error)
            self._stopped[ref] = error.reason
            return self._settings.retry_max_s
        except (Unavailable, hcs.Unavailable, hcs.MalformedAnswer) as error:
            self._troubles.delayed(ref, error)
            return self._delay_s(ref)
        except (hcs.Rejected, IntegrityBroken) as error:
            self._troubles.stopped(ref, error)
            return self._settings.retry_max_s
        self._went_well(ref)
        return 0 if carried else None  # a flight takes what fits; there may be more behind it

    def _delay_s(self, ref: str) -> float:
        failures = self._failures[ref] = self._failures.get(ref, 0) + 1
        return float(min(self._settings.retry_max_s, self._settings.retry_initial_s * 2 ** min(failures - 1, 16)))


def _refs_left(connection: Connection) -> set[str]:
    """The campaigns that wait for a topic, for the end of a flight, or for the next one."""
    return {*registry.refs_unready(connection), *flights.refs_open(connection), *outbox.refs_waiting(connection)}
