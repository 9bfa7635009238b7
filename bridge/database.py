"""The one database: a writer that commits many callers' work together, and readers beside it.

A commit costs a disk flush, a row in a batch almost nothing. So all writing goes through one thread, which takes
whatever has gathered while it was flushing and commits that as one group.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO, TypeVar

from sqlalchemy import Connection, Engine, Executable, Table, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bridge.config_sections import Database as DatabaseSection
from bridge.errors import DatabaseHeld, Unavailable

T = TypeVar("T")
Work = Callable[[Connection], T]


@dataclass(slots=True)
class _Write:
    work: Work[Any]
    done: asyncio.Future[Any]


class Database:
    """Holds the engine, the threads, and the writes that wait for the next group."""

    def __init__(self, settings: DatabaseSection) -> None:
        self._settings = settings
        self.engine = _engine(settings)
        self._writer = ThreadPoolExecutor(1, "database-writer")
        self._readers = ThreadPoolExecutor(settings.read_threads, "database-reader")
        self._pending: deque[_Write] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction and return its result once it is on disk.

        `work` may run several times (a neighbour in its group failed), so it must change nothing but the database.
        What it raises comes back here, with nothing of it stored. Raises Unavailable when the disk or the server
        refuses, or when too many writes are waiting. Needs `run()` going beside it.
        """
        if self._closed:
            raise Unavailable("the database", "it is closed")
        if len(self._pending) >= self._settings.max_pending_writes:
            raise Unavailable("the database", f"{len(self._pending)} writes wait (database.max_pending_writes)")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._pending.append(_Write(work, done))
        self._wake.set()
        return await done

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a reader's thread, on a snapshot of what is committed. Raises Unavailable."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._alone, work)

    async def run(self) -> None:
        """Commit group after group until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                group = [self._pending.popleft() for _ in range(min(len(self._pending), self._settings.max_group))]
                outcomes: list[Any] = [Unavailable("the database", "its writer was stopped")] * len(group)
                try:
                    outcomes = await self._commit([write.work for write in group])
                finally:  # nobody is left waiting for a writer that is gone
                    for write, outcome in zip(group, outcomes, strict=True):
                        _hand_over(write.done, outcome)

    async def close(self) -> None:
        """Wait for the threads and close the connections; writes that still wait are refused."""
        self._closed = True
        for write in self._pending:
            _hand_over(write.done, Unavailable("the database", "it is being closed"))
        self._pending.clear()
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self.engine.dispose()

    async def _commit(self, works: Sequence[Work[Any]]) -> list[Any]:
        """The result of each, or the exception that it raised. One that fails doesn't take the others with it."""
        loop = asyncio.get_running_loop()
        together: list[Any] | BaseException
        [together] = await asyncio.gather(
            loop.run_in_executor(self._writer, self._alone, lambda connection: [work(connection) for work in works]),
            return_exceptions=True,
        )
        if not isinstance(together, BaseException):
            return together
        if len(works) == 1:
            return [together]
        half = len(works) // 2  # few fail: halving finds them with few commits, and nobody can slow all others down
        return [*await self._commit(works[:half]), *await self._commit(works[half:])]

    def _alone(self, work: Work[T]) -> T:
        try:
            with self.engine.begin() as connection:
                return work(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
                raise  # not the disk but our own statement: no schema of ours, a crash
            raise Unavailable("the database", str(error.orig)) from error


def _hand_over(done: asyncio.Future[Any], outcome: object) -> None:
    if done.done():  # the caller was cancelled; its work is stored all the same
        return
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


def _engine(settings: DatabaseSection) -> Engine:
    url = make_url(settings.url)
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)  # ids, channels and times stand in it in clear
    engine = create_engine(url, pool_size=settings.read_threads + 1, connect_args={"timeout": settings.busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # accepted means kept: flushed before the commit returns
        connection.execute("PRAGMA foreign_keys=ON")
        connection.isolation_level = None  # left alone, sqlite3 begins at the first change only: see _begin

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # So that all of a reader's statements see one moment, and a migration that fails leaves nothing behind.
        connection.exec_driver_sql("BEGIN")

    return engine


def upsert(connection: Connection, table: Table, row: Mapping[str, object]) -> None:
    """Insert the row, or, where its primary key is taken, set the other columns named."""
    connection.execute(_upsert(table, tuple(row)), row)


def add_up(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows, all with the same columns, or, where a primary key is taken, add to the numbers there."""
    if rows:
        connection.execute(_add_up(table, tuple(rows[0])), rows)


@cache
def _add_up(table: Table, names: tuple[str, ...]) -> Executable:
    keys = [column.name for column in table.primary_key]
    statement = insert(table)
    sums = {name: table.c[name] + statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=sums)


@cache
def _upsert(table: Table, names: tuple[str, ...]) -> Executable:
    """Made once for a table and its columns: building a statement costs more than running it."""
    keys = [column.name for column in table.primary_key]
    statement = insert(table)
    others = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)


def hold(settings: DatabaseSection) -> TextIO:
    """Take the database for this process alone; keep what comes back open as long as it is used.

    Two daemons on one outbox would publish twice. Raises DatabaseHeld.
    """
    path = Path(f"{make_url(settings.url).database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise DatabaseHeld(
            f"another process holds the database ({path})",
            hint="stop the other hcs-bridge, or give this one a database.url of its own",
        ) from error
    return lock
