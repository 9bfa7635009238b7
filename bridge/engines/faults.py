"""What a database says that it can't do just now, as ours: with what an operator does about it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bridge.errors import DatabaseHeld, Unavailable

UNWRITABLE = "see that the disk has room and is mounted for writing, and whose the files of database.url are"
MOVE_AWAY = (
    "`hcs-bridge db check` looks at all of it; move the file of database.url away, with its -wal, -shm and .lock, and "
    "`hcs-bridge restore FILE` puts a backup there"
)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
OF_SQLITE: Mapping[str, str] = {
    "SQLITE_BUSY": "another process writes to it: `fuser -v` with the file of database.url names it",
    "SQLITE_CANTOPEN": "see that its disk is there, and that the process has file descriptors left",
    "SQLITE_FULL": "make room on its disk",
    "SQLITE_IOERR": "see that its disk has room and is well",
    "SQLITE_READONLY": UNWRITABLE,
}
"""By how SQLite's name for it begins."""
OF_POSTGRESQL: Mapping[str, str] = {
    "08": "see that the server of database.url runs and can be reached, and has that database and user",
    "25006": "the server is a standby, or was set to read only: database.url must name one that takes writes",
    "25P03": "it or this process stood still while a transaction was open: a machine short of time, or put to sleep",
    "28P01": "mend the password in database.url",
    "28": "mend the user in database.url: it needs LOGIN, and a line of pg_hba.conf that lets it in from here",
    "3D000": "mend the database's name in database.url, or make it: CREATE DATABASE",
    "42501": "give the user of database.url the right to it: GRANT CREATE, CONNECT ON DATABASE",
    "53100": "make room on the server's disk",
    "53300": "raise the server's max_connections, or lower database.read_threads",
    "53": "see what the server lacks in its own log",
    "55": "somebody holds a lock in it: pg_stat_activity names the session",
    "57P03": "the server is being started or stopped: in a moment it may be there",
    "57": "the server is being stopped, or somebody ended this session",
    "58": "see the server's own log: its disk, or its files, are not well",
}
"""By how the SQLSTATE begins (PostgreSQL's documentation, appendix A)."""
REFUSALS: Mapping[str, str] = {
    r"password authentication failed|no password supplied": "28P01",
    r'role ".*" (does not exist|is not permitted to log in)|pg_hba\.conf': "28000",
    r'database ".*" does not exist': "3D000",
    r"permission denied for database": "42501",
    r"too many (clients|connections)|connection slots": "53300",
    r"the database system is": "57P03",
}
"""The SQLSTATEs of a server that lets nobody in, by what it says: libpq keeps that and not the state.

In another language (lc_messages) it isn't known, and the hint is that of a server that can't be reached.
"""
CONFLICTS = frozenset({"40001", "40P01"})
"""serialization_failure, deadlock_detected: the same again may well succeed."""


class Conflict(Exception):
    """Somebody else wrote what this transaction had read: nothing of it is stored, and it can be run again."""


@contextmanager
def unavailable() -> Iterator[None]:
    """Inside the block, what the database can't do just now is raised as Unavailable, or as Conflict; one that is
    damaged as DatabaseHeld.

    What is a fault of our own (no such table, a rule broken) stays what it is.
    """
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise (_of_sqlite(error, error.orig) or error) from error
        raise (_of_postgresql(error) or error) from error


def sqlstate_of(error: BaseException) -> str | None:
    """Of an error of psycopg's; None if there was no answer from a server."""
    known: str | None = getattr(error, "sqlstate", None)
    return known or next((state for said, state in REFUSALS.items() if re.search(said, str(error))), None)


def said_in(error: BaseException) -> str:
    """What the server said, in one line: the others quote the statement. Never a password: libpq shows none."""
    return str(error).strip().partition("\n")[0].rpartition("FATAL:")[2].strip()


def _of_sqlite(error: DBAPIError, orig: sqlite3.Error) -> Exception | None:
    if getattr(orig, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
        return DatabaseHeld(f"the database is damaged, or is none: {orig}", hint=MOVE_AWAY)
    if not isinstance(error, OperationalError) or orig.sqlite_errorcode == sqlite3.SQLITE_ERROR:
        return None
    hint = next((hint for start, hint in OF_SQLITE.items() if orig.sqlite_errorname.startswith(start)), "")
    return Unavailable("the database", str(orig), hint=hint)


def _of_postgresql(error: DBAPIError) -> Exception | None:
    state = None if error.orig is None else sqlstate_of(error.orig)
    if state in CONFLICTS:
        return Conflict(str(error.orig))
    if state is None:  # no answer at all: the connection could not be made, or has broken
        lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
        state = "08" if lost else ""
    hint = next((hint for start, hint in OF_POSTGRESQL.items() if state.startswith(start)), None)
    return None if hint is None else Unavailable("the database", said_in(error.orig or error), hint=hint)
