"""A database made beside the place where it belongs, and put there once it is whole."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.exits import USAGE, CommandFailed

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.config_sections import Database
    from bridge.storage import Storage
    from topics.mirror.rest import Mirror

FILLED = ("topics", "entries", "flights", "transactions", "positions", "publications", "pool")


@asynccontextmanager
async def beside(
    config: Config, doing: str, begin: Callable[[Path], None] = lambda _scratch: None
) -> AsyncIterator[tuple[Storage, Mirror]]:
    """A database beside the place where ours belongs, which goes there when the block ends well; and a mirror.

    It is a file, wherever ours lies; `begin` is told which, before it is opened. Raises CommandFailed for a place that
    isn't empty.
    """
    from bridge.engines import kind_of
    from bridge.remotes import mirror_of
    from bridge.storage import opened
    from bridge.supervise import supervised

    with closing(kind_of(config.database).hold(config.database)), _scratch(config.database, doing) as (scratch, put):
        begin(scratch)
        section = config.database.model_copy(update={"url": f"sqlite:///{scratch}", "upgrade_at_start": True})
        async with (
            opened(config.model_copy(update={"database": section}), alone=True) as storage,
            supervised({"database": storage.database.run}),
        ):
            mirror = mirror_of(config)
            try:
                yield storage, mirror
            finally:
                await mirror.close()
        put()


@contextmanager
def _scratch(section: Database, doing: str) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Where to make it, and what puts it in its place. Raises CommandFailed for a place that isn't empty."""
    from bridge.engines import kind_of, sqlite

    if kind_of(section) is sqlite:
        place = sqlite.file_of(section)
        clear(place)
        scratch = place.with_name(f"{place.name}.{doing}")
        yield scratch, partial(_into_file, place, scratch)
    else:
        with tempfile.TemporaryDirectory(prefix="hcs-bridge-") as folder:
            scratch = Path(folder) / f"{doing}.db"
            _into_server(section, None)
            yield scratch, partial(_into_server, section, scratch)


def _into_file(place: Path, scratch: Path) -> None:
    from bridge.engines import sqlite

    clear(place)
    all_in_one(scratch)
    sqlite.give_to_folders_owner(scratch)
    scratch.replace(place)
    scratch.with_name(f"{scratch.name}.lock").unlink(missing_ok=True)


def _into_server(section: Database, scratch: Path | None) -> None:
    """All rows in one transaction; without a scratch it only looks that there is room for them."""
    from bridge import migrations, moving
    from bridge.engines import kind_of, sqlite, unavailable

    target = kind_of(section).engine_of(section)
    source = None if scratch is None else sqlite.reading(sqlite.at(section, scratch), timeout_s=section.busy_timeout_s)
    try:
        with unavailable():
            migrations.upgrade(target)
            with target.begin() as there:
                filled = moving.emptied(there, FILLED)
                if filled is not None:
                    text = f"the database {kind_of(section).place(section)} isn't empty: it has {filled}"
                    hint = "give an empty database, or another schema of it (database.schema_name)"
                    raise CommandFailed(text, code=USAGE, hint=hint)
                if source is not None:
                    with source.connect() as here:
                        moving.copy(here, there)
    finally:
        target.dispose()
        if source is not None:
            source.dispose()


def clear(place: Path) -> None:
    """Make room for a database: one that has nothing in it is removed. Raises CommandFailed for any other."""
    if not place.exists():
        return
    with closing(sqlite3.connect(place)) as connection:
        try:
            known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.DatabaseError as error:
            hint = "move it away, with its -wal, -shm and .lock, and run this again"
            raise CommandFailed(f"{place} is in the way, and no whole database: {error}", hint=hint) from error
        for table in FILLED:
            if table in known and connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():  # noqa: S608 # ours
                hint = "give an empty place in database.url, or move the file away with its -wal and -shm"
                raise CommandFailed(f"the database {place} isn't empty: it has {table}", code=USAGE, hint=hint)
        if known and "alembic_version" not in known:
            raise CommandFailed(f"{place} is no database of this program's", code=USAGE)
    for suffix in ("", "-wal", "-shm"):
        place.with_name(place.name + suffix).unlink(missing_ok=True)


def all_in_one(scratch: Path) -> None:
    """Have all of it in the one file, on disk."""
    with closing(sqlite3.connect(scratch)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # the daemon goes back to WAL
    with scratch.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal, and nothing elsewhere: told what is gone through, how much is done, of what."""
    if not sys.stderr.isatty():
        yield lambda _doing, _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda doing, done, of: progress.update(task, completed=done, total=of, description=doing)
