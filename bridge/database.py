"""The one database: a writer that commits many callers' work together, and readers beside it.

A commit costs a disk flush, a row in a batch almost nothing. So all writing goes through one thread, which takes
whatever has gathered while it was flushing and commits that as one group. A statement costs more than its row, too:
callers who want the same done share their statements (`write_together`).
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, TypeVar

from sqlalchemy import Connection

from bridge.config_sections import Database as DatabaseSection
from bridge.counts import observe
from bridge.engines import Conflict, kind_of, unavailable
from bridge.errors import DatabaseHeld, Unavailable
from bridge.refusals import Refusals

T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[[Connection], T]
SharedWork = Callable[[Connection, Sequence[Item]], Sequence[T | BaseException]]
"""Writes what several callers want, in their order, and has an outcome for each: a result, or what to raise there."""


@dataclass(slots=True)
class _Write:
    """What one caller wants written, and the work that it shares with all who want theirs written by the same."""

    work: SharedWork[Any, Any]
    item: Any
    done: asyncio.Future[Any]


CONFLICT_PAUSE_S = 0.02
ASK_AGAIN_S = 0.5


class Database:
    """Holds the engine, the threads, and the writes that wait for the next group."""

    def __init__(self, settings: DatabaseSection) -> None:
        self._settings = settings
        self.kind = kind_of(settings)
        self.engine = self.kind.engine_of(settings)
        self._snapshots = self.kind.snapshots(self.engine)
        self._writer = ThreadPoolExecutor(1, "database-writer")
        self._writing: Connection | None = None  # the writer's, while nobody writes
        self._readers = ThreadPoolExecutor(settings.read_threads, "database-reader")
        self._pending: deque[_Write] = deque()
        self._wanted: dict[SharedWork[Any, Any], deque[tuple[Any, asyncio.Future[Any]]]] = defaultdict(deque)
        self._reading: dict[SharedWork[Any, Any], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._wake = asyncio.Event()
        self._closed = Event()
        self._guard: Work[None] | None = None
        self.refusals = Refusals()
        self.together = 0  # writes that shared the last commit: how busy it is

    def guard(self, check: Work[None]) -> None:
        """Begin each group of writes with `check`; what that raises all of them raise, and nothing is stored."""
        self._guard = check

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once it is on disk.

        `work` may run several times (a neighbour in its group failed), so it must change nothing but the database.
        What it raises comes back here, with nothing of it stored. Raises Unavailable when the disk or the server
        refuses, or when too many writes are waiting. Needs `run()` going beside it.
        """
        return await self.write_together(_one_by_one, work)

    async def write_together(self, work: SharedWork[Item, T], item: Item) -> T:
        """As `write`, by a `work` that is called once for the items of all who wait with it, in their order.

        Against other works of its group it has no order. For an item that it refuses it gives an exception back, and
        stores nothing of it; what it raises makes it run again, with fewer items, until the culprit is alone.
        """
        if self._closed.is_set():
            raise Unavailable("the database", "it is closed")
        if len(self._pending) >= self._settings.max_pending_writes:
            raise Unavailable("the database", f"{len(self._pending)} writes wait (database.max_pending_writes)")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._pending.append(_Write(work, item, done))
        self._wake.set()
        return await done

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a reader's thread, on a snapshot of what is committed. Raises Unavailable."""
        if self._closed.is_set():
            raise Unavailable("the database", "it is closed")
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            return await loop.run_in_executor(self._readers, self._alone, work)
        finally:  # who gave up has waited, too
            observe("read", loop.time() - began_s)

    async def read_together(self, work: SharedWork[Item, T], item: Item) -> T:
        """As `read`, by a `work` that is called for the items of some who wait for it; one such call at a time."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        wanted = self._wanted[work]
        wanted.append((item, done))
        async with self._reading[work]:
            while wanted and not done.done():  # what callers who gave up left behind comes first
                waiting = [wanted.popleft() for _ in range(min(len(wanted), self._settings.max_read_together))]
                items = [item for item, _ in waiting]
                call = asyncio.ensure_future(self.read(partial(_for_all, work, items)))
                call.add_done_callback(partial(_hand_over_all, [done for _, done in waiting]))
                await asyncio.wait([call])  # it goes on for the others if this caller is cancelled
        return await done

    async def run(self) -> None:
        """Commit group after group until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                group = [self._pending.popleft() for _ in range(min(len(self._pending), self._settings.max_group))]
                self.together = len(group)
                outcomes: list[Any] = [Unavailable("the database", "its writer was stopped")] * len(group)
                began_s = asyncio.get_running_loop().time()
                try:
                    outcomes = await self._commit(group)
                    self.refusals.note(outcomes)
                    observe("commit", asyncio.get_running_loop().time() - began_s)
                finally:  # nobody is left waiting for a writer that is gone
                    for write, outcome in zip(group, outcomes, strict=True):
                        _hand_over(write.done, outcome)

    def despite_conflicts(self, transact: Callable[[], T]) -> T:
        """Call what is a transaction, again where another process's writes came in between. Raises Unavailable."""
        for _ in range(self._settings.max_conflicts):
            try:
                with unavailable():
                    return transact()
            except Conflict:
                self._closed.wait(random.uniform(0, CONFLICT_PAUSE_S))  # noqa: S311 # so that two don't meet again
        conflicts = f"others wrote the same {self._settings.max_conflicts} times (database.max_conflicts)"
        raise Unavailable("the database", conflicts)

    async def close(self) -> None:
        """Wait for the threads and close the connections; writes that still wait are refused."""
        self._closed.set()
        for write in self._pending:
            _hand_over(write.done, Unavailable("the database", "it is being closed"))
        self._pending.clear()
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        if self._writing is not None:
            self._writing.close()
        self.engine.dispose()

    async def _commit(self, writes: Sequence[_Write]) -> list[Any]:
        """The result of each, or the exception that it raised. One that fails doesn't take the others with it."""
        transact = partial(self.despite_conflicts, partial(self._at_once, writes))
        commit = asyncio.get_running_loop().run_in_executor(self._writer, transact)
        together: list[Any] | BaseException
        [together] = await asyncio.gather(commit, return_exceptions=True)
        if not isinstance(together, BaseException):
            return together
        if len(writes) == 1 or isinstance(together, Unavailable | DatabaseHeld):  # none of theirs is at fault
            return [together] * len(writes)
        half = len(writes) // 2  # few fail: halving finds them with few commits, and nobody can slow all others down
        return [*await self._commit(writes[:half]), *await self._commit(writes[half:])]

    def _at_once(self, writes: Sequence[_Write]) -> list[Any]:
        """One transaction, in the writer's thread; its connection stays open until something fails on it."""
        ticket = None
        connection, self._writing = self._writing, None
        try:
            with unavailable():
                connection = connection or self.engine.connect()
                transaction = connection.begin()
                if self._guard is not None:
                    self._guard(connection)
                outcomes = _all_of(writes, connection)
                ticket = self.kind.ticket(connection)
                transaction.commit()
        except BaseException as error:
            if connection is not None:
                connection.close()
            if ticket is not None and isinstance(error, Unavailable) and self._is_committed(ticket):
                return outcomes
            raise
        self._writing = connection
        return outcomes

    def _is_committed(self, ticket: str) -> bool:
        """What became of a transaction whose commit got no answer: nothing may be both refused and stored."""
        while True:
            try:
                with unavailable(), self.engine.connect() as connection:
                    found = self.kind.is_committed(connection, ticket)
                if found is not None:
                    return found
            except Unavailable:
                if self._closed.is_set():
                    raise
            self._closed.wait(ASK_AGAIN_S)

    def _alone(self, work: Work[T]) -> T:
        with unavailable(), self._snapshots.begin() as connection:
            return work(connection)


def _all_of(writes: Sequence[_Write], connection: Connection) -> list[Any]:
    """Call each work once, with the items of all that share it; the outcomes in the order of the writes."""
    sharing: dict[SharedWork[Any, Any], list[int]] = {}
    for place, write in enumerate(writes):
        sharing.setdefault(write.work, []).append(place)
    outcomes: dict[int, Any] = {}
    for work, places in sharing.items():
        outcomes |= zip(places, work(connection, [writes[place].item for place in places]), strict=True)
    return [outcomes[place] for place in range(len(writes))]


def _for_all(work: SharedWork[Item, T], items: Sequence[Item], connection: Connection) -> Sequence[T | BaseException]:
    return work(connection, items)


def _one_by_one(connection: Connection, works: Sequence[Work[Any]]) -> list[Any]:
    return [work(connection) for work in works]


def _hand_over(done: asyncio.Future[Any], outcome: object) -> None:
    if done.done():  # the caller was cancelled; its work is stored all the same
        return
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def _hand_over_all(waiting: Sequence[asyncio.Future[Any]], call: asyncio.Future[Sequence[Any]]) -> None:
    error = asyncio.CancelledError() if call.cancelled() else call.exception()
    outcomes = call.result() if error is None else [error] * len(waiting)
    for done, outcome in zip(waiting, outcomes, strict=True):
        _hand_over(done, outcome)
