"""The database's file: taken for one process, opened by SQLite, and what an operator does when that can't use it."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from bridge.config_sections import Database as DatabaseSection
from bridge.errors import DatabaseHeld, Unavailable

UNWRITABLE = "see that the disk has room and is mounted for writing, and whose the files of database.url are"
HINTS = {
    "SQLITE_BUSY": "another process writes to it: `fuser -v` with the file of database.url names it",
    "SQLITE_CANTOPEN": "see that its disk is there, and that the process has file descriptors left",
    "SQLITE_FULL": "make room on its disk",
    "SQLITE_IOERR": "see that its disk has room and is well",
    "SQLITE_READONLY": UNWRITABLE,
}
"""What to do about it, by how SQLite's name for it begins."""


def engine_of(settings: DatabaseSection) -> Engine:
    """Connections to the file, which is made where there is none. Raises Unavailable."""
    url = make_url(settings.url)
    path = Path(url.database or "")
    with _writable(path):
        path.touch(mode=0o600)  # ids, channels and times stand in it in clear
    engine = create_engine(url, pool_size=settings.read_threads + 1, connect_args={"timeout": settings.busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # accepted means kept: flushed before the commit returns
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what was shredded doesn't stay in the file's free pages
        connection.isolation_level = None  # left alone, sqlite3 begins at the first change only: see _begin

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # So that all of a reader's statements see one moment, and a migration that fails leaves nothing behind.
        connection.exec_driver_sql("BEGIN")

    return engine


def hold(settings: DatabaseSection) -> TextIO:
    """Take the database for this process alone; keep what comes back open as long as it is used.

    Two daemons on one outbox would publish twice. Raises DatabaseHeld, Unavailable.
    """
    path = Path(f"{make_url(settings.url).database}.lock")
    with _writable(path):
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


@contextmanager
def unavailable() -> Iterator[None]:
    """Inside the block, what SQLite can't do just now is raised as Unavailable."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            raise  # not the disk but our own statement: no schema of ours, a crash
        name = getattr(error.orig, "sqlite_errorname", "")
        hint = next((hint for start, hint in HINTS.items() if name.startswith(start)), "")
        raise Unavailable("the database", str(error.orig), hint=hint) from error


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """The file's folder is there inside the block. Raises Unavailable where the system refuses that, or the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise Unavailable("the database", f"{path}: {error.strerror}", hint=UNWRITABLE) from error
