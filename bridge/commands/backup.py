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
from typing import Annotated

import typer

from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

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
    from bridge.relay.audit.looking import database_path

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing half made is left
    made = back_up(database_path(loaded(config).database), file, force=force)
    text = (
        f"{made.file}: {made.bytes} bytes, schema {made.schema}, {made.topics} topics, {made.entries} entries, "
        f"{made.publications} publications. {WITHOUT}"
    )
    typer.echo(json.dumps(asdict(made)) if as_json else text)


def back_up(database: Path, file: Path, *, force: bool) -> Made:
    """`file` is there whole, on disk and readable by its owner alone, or not at all. Raises CommandFailed, OSError."""
    if not database.is_file():
        raise CommandFailed(f"there is no database {database}", code=USAGE, hint="is database.url the right file?")
    if file.exists() and (not force or file.samefile(database)):
        raise CommandFailed(f"{file} is there already", code=USAGE, hint="name another file, or --force for a backup")
    scratch = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    with open(os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "rb") as kept:  # noqa: PTH123 # with a mode
        try:
            counted = _copy(database, scratch)
            os.fsync(kept.fileno())
            size = scratch.stat().st_size
            scratch.replace(file)
        except sqlite3.Error as error:
            is_full = error.sqlite_errorcode in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE}
            hint = f"make room in {scratch.absolute().parent}" if is_full else "see `hcs-bridge db check`"
            raise CommandFailed(f"{database} can't be copied: {error}", hint=hint) from error
        finally:
            scratch.unlink(missing_ok=True)
    _flush_folder(file.absolute().parent)
    return Made(str(file), size, *counted)


def _copy(database: Path, scratch: Path) -> tuple[str, int, int, int]:
    """All pages in one step: in smaller ones each write of the daemon's would begin the copy anew."""
    from bridge.settings import BACKED_UP

    with (
        closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(scratch)) as target,
    ):
        target.execute("PRAGMA journal_mode=OFF")  # no second file: what fails is thrown away
        source.backup(target)
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
