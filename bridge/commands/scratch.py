"""A database made beside the place where it belongs, and moved there once it is whole."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.exits import USAGE, CommandFailed

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.storage import Storage
    from topics.mirror.rest import Mirror

FILLED = ("topics", "entries", "flights", "transactions", "positions", "publications", "pool")


@asynccontextmanager
async def beside(
    config: Config, doing: str, begin: Callable[[Path], None] = lambda _scratch: None
) -> AsyncIterator[tuple[Storage, Mirror]]:
    """A database beside the place where ours belongs, which goes there when the block ends well; and a mirror.

    `begin` is told where it is to lie, before it is opened. Raises CommandFailed for a place that isn't empty.
    """
    from bridge.database_file import hold
    from bridge.relay.audit.looking import database_path
    from bridge.remotes import mirror_of
    from bridge.storage import opened
    from bridge.supervise import supervised

    place = database_path(config.database)
    scratch = place.with_name(f"{place.name}.{doing}")
    section = config.database.model_copy(update={"url": f"sqlite:///{scratch}", "upgrade_at_start": True})
    lock = hold(config.database)
    try:
        clear(place)
        begin(scratch)
        async with (
            opened(config.model_copy(update={"database": section}), alone=True) as storage,
            supervised({"database": storage.database.run}),
        ):
            mirror = mirror_of(config)
            try:
                yield storage, mirror
            finally:
                await mirror.close()
        clear(place)
        _close(scratch)
        scratch.replace(place)
        scratch.with_name(f"{scratch.name}.lock").unlink(missing_ok=True)
    finally:
        lock.close()


def clear(place: Path) -> None:
    """Make room for a database: one that has nothing in it is removed. Raises CommandFailed for any other."""
    if not place.exists():
        return
    with closing(sqlite3.connect(place)) as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in FILLED:
            if table in known and connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 # ours
                hint = "give an empty place in database.url, or move the file away with its -wal and -shm"
                raise CommandFailed(f"the database {place} isn't empty: it has {table}", code=USAGE, hint=hint)
        if known and "alembic_version" not in known:
            raise CommandFailed(f"{place} is no database of this program's", code=USAGE)
    for suffix in ("", "-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)


def _close(scratch: Path) -> None:
    """Have all of it in the one file, on disk."""
    with closing(sqlite3.connect(scratch)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # the daemon goes back to WAL
    with scratch.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def bar() -> Iterator[Callable[[int, int, int], None]]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _of, _messages: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("topics", total=None)
        yield lambda done, of, messages: progress.update(
            task, completed=done, total=of, description=f"topics ({messages} messages)"
        )
