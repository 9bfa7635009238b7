"""What `hcs-bridge rebuild` does: reads its inputs, and moves the database into place once it is whole."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.exits import USAGE, CommandFailed
from topics.values import AccountId, TopicId

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.keys.backup import SavedEpoch
    from bridge.keys.taking_over import Recovery
    from bridge.rebuild import Tally
    from bridge.storage import Storage
    from topics.mirror.rest import Mirror

FILLED = ("topics", "entries", "flights", "transactions", "positions", "publications", "pool")
SHOWN_TOPICS = 5


@dataclass(frozen=True, slots=True)
class Request:
    """Which topics, and what opens them."""

    topics: Path | None = None
    payer: str | None = None
    keys_from: Path | None = None
    recovery_key: Path | None = None
    key_backup: Path | None = None
    without_locked: bool = False
    settle_s: float = 0


async def rebuilt(config: Config, request: Request) -> Tally:
    """Beside the place where the database belongs, and moved there once it is whole.

    Raises CommandFailed, ConfigInvalid, DatabaseHeld, SealBroken, and as `Rebuild` does.
    """
    from bridge.commands.keys_made import restored
    from bridge.database import hold
    from bridge.rebuild import Rebuild
    from bridge.relay.audit.looking import database_path
    from bridge.remotes import mirror_of
    from bridge.storage import opened
    from bridge.supervise import supervised

    named, recovery, saved = _named(request), _recovery(config, request), _saved(config, request)
    place = database_path(config.database)
    scratch = place.with_name(f"{place.name}.rebuilding")
    section = config.database.model_copy(update={"url": f"sqlite:///{scratch}"})
    lock = hold(config.database)
    try:
        clear(place)
        async with (
            opened(config.model_copy(update={"database": section}), alone=True) as storage,
            supervised({"database": storage.database.run}),
        ):
            await _take_keys(storage, request)
            await restored(storage, saved)
            mirror = mirror_of(config)
            try:
                with _bar() as show:
                    work = Rebuild(storage, mirror, recovery, request.settle_s, show)
                    tally = await work.run(partial(_names, mirror, named))
            finally:
                await mirror.close()
        if tally.locked and not request.without_locked:
            raise _locked(tally)
        clear(place)
        _close(scratch)
        scratch.replace(place)
        scratch.with_name(f"{scratch.name}.lock").unlink(missing_ok=True)
    finally:
        lock.close()
    return tally


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


def _named(request: Request) -> Sequence[TopicId] | AccountId:
    if (request.topics is None) == (request.payer is None):
        raise CommandFailed("name either --topics FILE or --payer ACCOUNT", code=USAGE)
    if request.payer is not None:
        try:
            return AccountId.parse(request.payer)
        except ValueError as error:
            raise CommandFailed(f"--payer: {error}", code=USAGE) from error
    found = []
    for number, line in enumerate(_lines(request.topics), 1):
        try:
            found.append(TopicId.parse(line))
        except ValueError as error:
            raise CommandFailed(f"--topics, topic {number}: {error}", code=USAGE) from error
    return list(dict.fromkeys(found))


def _lines(path: Path | None) -> list[str]:
    """What stands in a file, a line each; empty ones and those with # are left out."""
    if path is None:
        return []
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} can't be read: {error}", code=USAGE) from error
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


async def _names(mirror: Mirror, named: Sequence[TopicId] | AccountId) -> Sequence[TopicId]:
    from bridge.rebuild import made_by

    return await made_by(mirror, named) if isinstance(named, AccountId) else named


async def _take_keys(storage: Storage, request: Request) -> None:
    """The backup's epochs, each seen to open under our master key."""
    from bridge.errors import SealBroken
    from bridge.keys.taking_over import epochs_held, take_over
    from bridge.relay.audit.looking import ReadOnly

    if request.keys_from is None:
        return
    if not request.keys_from.is_file():
        raise CommandFailed(f"--keys-from {request.keys_from}: no such file", code=USAGE)
    old = ReadOnly(storage.config.database.model_copy(update={"url": f"sqlite:///{request.keys_from}"}))
    try:
        held = await asyncio.to_thread(old.read, partial(epochs_held, master=storage.keys.master))
    except SealBroken as error:
        hint = "keys.master_key_file must be the one that the backup was made with"
        raise CommandFailed(f"--keys-from {request.keys_from}: {error}", code=USAGE, hint=hint) from error
    finally:
        old.close()
    await storage.database.write(lambda c: take_over(c, held))


def _recovery(config: Config, request: Request) -> Recovery | None:
    from bridge.keys.taking_over import Recovery, recovery_key

    if request.recovery_key is None:
        return None
    return Recovery(recovery_key(request.recovery_key, key="--recovery-key"), config.network.name)


def _saved(config: Config, request: Request) -> list[SavedEpoch]:
    """Users' keys out of the key backup."""
    if request.key_backup is None:
        return []
    if request.recovery_key is None:
        raise CommandFailed("--key-backup needs --recovery-key", code=USAGE, hint="the backup opens with nothing else")
    from bridge.commands.keys_made import read_backup

    return read_backup(config, request.key_backup, request.recovery_key)


def _locked(tally: Tally) -> CommandFailed:
    some = ", ".join(str(topic_id) for topic_id in sorted(tally.locked)[:SHOWN_TOPICS])
    return CommandFailed(
        f"no key at hand opens {len(tally.locked)} topics of this bridge's, such as {some}",
        hint="run again with --keys-from a newer backup, or --recovery-key; what was read is kept. "
        "--without-locked leaves them: nothing on the ledger is lost, but such a campaign gets a new topic when "
        "something is published for it",
    )


@contextmanager
def _bar() -> Iterator[Callable[[int, int, int], None]]:
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
