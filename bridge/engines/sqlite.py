"""SQLite: one file, taken for one process."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url

from bridge.config_sections import Database as DatabaseSection
from bridge.engines.faults import UNWRITABLE
from bridge.errors import DatabaseHeld, Unavailable

LOCK_MAY_GO = False


def engine_of(section: DatabaseSection) -> Engine:
    """Connections to the file, which is made where there is none. Raises Unavailable."""
    with _writable(file_of(section)):
        pass
    engine = create_engine(
        section.url,
        pool_size=section.read_threads + 1,
        connect_args={"timeout": section.busy_timeout_s},
        hide_parameters=True,  # in errors, too: users' ids, and keys
    )

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


def snapshots(engine: Engine) -> Engine:
    """Readers see the moment they began at, whatever is written beside them (WAL)."""
    return engine


def ticket(_connection: Connection) -> str | None:
    """The file is here: what it says of a commit is what happened."""
    return None


def is_committed(_connection: Connection, _ticket: str) -> bool | None:
    """There are no tickets."""
    raise NotImplementedError


def now_ms(_connection: Connection) -> int:
    """This machine's time of day."""
    return time.time_ns() // 1_000_000


def hold(section: DatabaseSection, *, daemon: int | None = None) -> TextIO:  # there is one at most
    """Take the database for this process alone; keep what comes back open as long as it is used.

    Two daemons on one outbox would publish twice. Raises DatabaseHeld, Unavailable.
    """
    path = Path(f"{file_of(section)}.lock")
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


def in_turn(_engine: Engine) -> AbstractContextManager[None]:
    """There is one daemon."""
    return nullcontext()


def reading(section: DatabaseSection, *, timeout_s: float) -> Engine:
    """SQLite may leave its empty -wal and -shm files."""
    uri = f"{file_of(section).absolute().as_uri()}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=timeout_s, check_same_thread=False)

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool, hide_parameters=True)


def exists(section: DatabaseSection) -> bool:
    """Whether there is a file."""
    return file_of(section).exists()


def place(section: DatabaseSection) -> str:
    """The file's path, whole: one that was meant to be absolute shows that it isn't."""
    return str(file_of(section).absolute())


def at(section: DatabaseSection, file: Path) -> DatabaseSection:
    """The same settings for a file of that path."""
    return section.model_copy(update={"url": f"sqlite:///{file}"})


def file_of(section: DatabaseSection) -> Path:
    """Where the file is, or would be."""
    return Path(make_url(section.url).database or "")


def size(connection: Connection) -> int:
    """The file, with the log beside it."""
    file = Path(connection.engine.url.database or "")
    return sum(path.stat().st_size for path in (file, Path(f"{file}-wal")) if path.exists())


def damage(connection: Connection) -> list[str]:
    """Every page is looked at."""
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    return [] if found == ["ok"] else [str(each) for each in found]


def lost(connection: Connection) -> list[tuple[str, str]]:
    """Foreign keys hold for what is written; this looks at what is there."""
    return [(table, parent) for table, _, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check")]


def empty_log(engine: Engine) -> None:
    """What was deleted still stands in SQLite's log, until all of it is in the file."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()


def give_to_folders_owner(path: Path) -> None:
    """What root made, where it may; SQLite does so with its logs. The daemon that needs it next is somebody else."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        with suppress(PermissionError):  # a root without that right, as in a container
            os.chown(path, folder.st_uid, folder.st_gid)


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """The file is there inside the block, its owner's alone: ids, channels and times stand in it in clear.

    Raises Unavailable where the system refuses that, or what the block does.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not path.exists():
            path.touch(mode=0o600)
            give_to_folders_owner(path)
        yield
    except OSError as error:
        raise Unavailable("the database", f"{path}: {error.strerror}", hint=UNWRITABLE) from error
