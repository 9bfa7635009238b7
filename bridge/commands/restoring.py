"""What `hcs-bridge restore` does: takes a backup, reads what the ledger has beyond it, and puts it in place."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.exits import USAGE, CommandFailed

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.rebuild import Tally
    from bridge.storage import Storage
    from topics.mirror.rest import Mirror
    from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class Request:
    """Which backup, what opens what came since, and for how long the lost bridge's last transactions may still come."""

    backup: Path
    recovery_key: Path | None = None
    key_backup: Path | None = None
    without_lost: bool = False
    settle_s: float = 0


async def restored(config: Config, request: Request) -> Tally:
    """Nothing is put in place before every topic was read to its end.

    Raises CommandFailed, ConfigInvalid, DatabaseHeld, SealBroken, and as `Rebuild` does.
    """
    from bridge.commands.keys_made import restored as put_back
    from bridge.commands.rebuilding import recovery_of, saved_of, take_up_directory
    from bridge.commands.scratch import bar, beside
    from bridge.rebuild import Rebuild
    from bridge.restoring import settle, unboard

    recovery = recovery_of(config, request.recovery_key)
    saved = saved_of(config, request.key_backup, request.recovery_key)
    async with beside(config, "restoring", partial(_copy, request.backup)) as (storage, mirror):
        await put_back(storage, saved)
        cursor_ns = await storage.database.write(unboard)
        with bar() as show:
            work = Rebuild(storage, mirror, recovery, request.settle_s, spare=True, on_topic=show)
            tally = await work.run(partial(_topics, storage, mirror))
        if (tally.locked or tally.lost) and not request.without_lost:
            raise _lost(tally)
        await take_up_directory(storage, mirror, config.operator.account, tally)
        fit = partial(settle, cursor_ns=cursor_ns, empty=tally.empty, lost=tally.lost)
        await storage.database.write(fit)
    return tally


def _copy(backup: Path, scratch: Path) -> None:
    """The backup as it was made, without its mark: it is read anew each time, the file itself stays as it is."""
    from bridge.settings import BACKED_UP

    if not backup.is_file():
        raise CommandFailed(f"{backup}: no such file", code=USAGE)
    for suffix in ("", "-wal", "-shm"):
        scratch.with_name(scratch.name + suffix).unlink(missing_ok=True)
    scratch.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(scratch)) as target,
        ):
            found = source.execute("PRAGMA integrity_check").fetchone()[0]
            if found != "ok":
                raise CommandFailed(f"{backup} is damaged: {found}", code=USAGE, hint="take another backup")
            source.backup(target)
            target.execute("DELETE FROM settings WHERE name = ?", (BACKED_UP,))
            target.commit()
    except sqlite3.Error as error:
        hint = "give a file that `hcs-bridge backup` made"
        raise CommandFailed(
            f"{backup} is no whole database of this program's: {error}", code=USAGE, hint=hint
        ) from error


async def _topics(storage: Storage, mirror: Mirror) -> Sequence[TopicId]:
    """Those on record, and those that were made since."""
    from bridge.schema import registry
    from topics.mirror.made import made_by

    known = await storage.database.read(lambda c: [each.topic_id for each in registry.all(c)])
    made = await made_by(mirror, storage.config.operator.account)
    return list(dict.fromkeys([*(topic_id for topic_id in known if topic_id is not None), *made]))


def _lost(tally: Tally) -> CommandFailed:
    told = [f"topic {topic_id}: {why}" for topic_id, why in sorted(tally.lost.items())]
    told += [f"topic {topic_id} was made since, and no key at hand opens it" for topic_id in sorted(tally.locked)]
    return CommandFailed(
        "\n".join(["these campaigns have keys that are younger than the backup:", *told]),
        hint="run again with --recovery-key, or with a newer backup. --without-lost closes those that the backup has, "
        "with what waits for them parked, and leaves the others: the next event of such a campaign makes a new topic",
    )
