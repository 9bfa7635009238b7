"""`hcs-bridge backup`: a copy of the database as it is at one moment, beside a running daemon."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import json
import os
import secrets
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config_sections import Database

WITHOUT = "It has no key file: keep the master key, the signing key and the recovery pair's private half elsewhere."


@dataclass(frozen=True, slots=True)
class Made:
    """What is in a backup. `bytes` is the file's size."""

    file: str
    bytes: int
    schema: str
    topics: int
    entries: int
    publications: int


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it goes; its folder must be there.")],
    force: Annotated[bool, typer.Option("--force", help="Put it in place of a file that is there.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Copy the database into a file, whole and as it is at one moment, while the daemon runs or not.

    Only `hcs-bridge restore` puts it back. Keys in it are wrapped: without the master key nothing in it opens, and that
    isn't in it.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half made is left
    made = back_up(loaded(config).database, file, force=force)
    text = (
        f"{made.file}: {made.bytes} bytes, schema {made.schema}, {made.topics} topics, {made.entries} entries, "
        f"{made.publications} publications. {WITHOUT}"
    )
    typer.echo(json.dumps(asdict(made)) if as_json else text)


def back_up(section: Database, file: Path, *, force: bool) -> Made:
    """`file` is there whole, on disk and readable by its owner alone, or not at all. Raises CommandFailed, OSError."""
    from bridge.engines import kind_of, sqlite

    kind, database = kind_of(section), kind_of(section).place(section)
    if not kind.exists(section):
        raise CommandFailed(f"there is no database {database}", code=USAGE, hint="is database.url the right one?")
    is_ours = kind is sqlite and file.exists() and file.samefile(sqlite.file_of(section))
    if file.exists() and (not force or is_ours):
        raise CommandFailed(f"{file} is there already", code=USAGE, hint="name another file, or --force for a backup")
    scratch = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with open(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "rb") as kept:  # noqa: PTH123 # with a mode
            try:
                if kind is sqlite:
                    _copy_pages(sqlite.file_of(section), scratch)
                else:
                    _copy_rows(section, scratch)
                counted = _marked(scratch)
                os.fsync(kept.fileno())
                size = scratch.stat().st_size
                scratch.replace(file)
            except sqlite3.Error as error:
                is_full = error.sqlite_errorcode in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}
                hint = f"make room in {scratch.absolute().parent}" if is_full else "see `hcs-bridge db check`"
                raise CommandFailed(f"{database} can't be copied: {error}", hint=hint) from error
            finally:
                scratch.unlink(missing_ok=True)
    except OSError as error:
        hint = f"see that the folder {file.absolute().parent} is there, has room, and may be written to"
        raise CommandFailed(f"{file} can't be written: {error.strerror or error}", hint=hint) from error
    _flush_folder(file.absolute().parent)
    return Made(str(file), size, *counted)


def _copy_pages(database: Path, scratch: Path) -> None:
    """All pages in one step: in smaller ones each write of the daemon's would begin the copy anew."""
    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(scratch)) as target,
    ):
        target.execute("PRAGMA journal_mode=OFF")  # no second file: what fails is thrown away
        source.backup(target)


def _copy_rows(section: Database, scratch: Path) -> None:
    """What the server holds at one moment, as a file of the other kind: `restore` takes it wherever it goes."""
    from bridge import migrations, moving
    from bridge.engines import kind_of, sqlite, unavailable

    source = kind_of(section).reading(section, timeout_s=section.busy_timeout_s)
    target = sqlite.engine_of(sqlite.at(section, scratch))
    try:
        with unavailable():
            migrations.upgrade(target)
            with source.connect() as here, target.begin() as there:
                moving.copy(here, there)
    finally:
        source.dispose()
        target.dispose()


def _marked(scratch: Path) -> tuple[str, int, int, int]:
    """So that no daemon runs on it. Which schema it has, and how many topics, entries and publications."""
    from bridge.settings import BACKED_UP

    with closing(sqlite3.connect(scratch)) as target:
        target.execute("PRAGMA journal_mode=DELETE")  # not the WAL of a database at work: all of it in this one file
        [revision] = target.execute("SELECT version_num FROM alembic_version").fetchone()
        target.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (BACKED_UP, str(time.time_ns())))
        target.commit()
        counts = (
            target.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 # ours
            for table in ("topics", "entries", "publications")
        )
        return str(revision), *counts


def _flush_folder(folder: Path) -> None:
    """The new name, too, outlasts a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
