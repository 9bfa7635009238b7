"""What `hcs-bridge rebuild` does: reads its inputs, and moves the database into place once it is whole."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
from collections.abc import Sequence
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

Named = Sequence[TopicId] | AccountId | TopicId
"""The topics themselves, the account that made them, or the directory that lists them."""
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
    directory: str | None = None


async def rebuilt(config: Config, request: Request) -> Tally:
    """Beside the place where the database belongs, and moved there once it is whole.

    Raises CommandFailed, ConfigInvalid, DatabaseHeld, SealBroken, and as `Rebuild` does.
    """
    from bridge.commands.keys_made import restored
    from bridge.commands.scratch import bar, beside
    from bridge.rebuild import Rebuild

    named, recovery = _named(request), recovery_of(config, request.recovery_key)
    saved = saved_of(config, request.key_backup, request.recovery_key)
    async with beside(config, "rebuilding") as (storage, mirror):
        await _take_keys(storage, request)
        await restored(storage, saved)
        with bar() as show:
            work = Rebuild(storage, mirror, recovery, request.settle_s, on_topic=show)
            tally = await work.run(partial(_names, mirror, named))
        await take_up_directory(storage, mirror, named, tally)
        if tally.locked and not request.without_locked:
            raise _locked(tally)
    return tally


def _named(request: Request) -> Named:
    if [request.topics, request.payer, request.directory].count(None) != 2:
        raise CommandFailed("name one of --topics FILE, --payer ACCOUNT and --directory TOPIC", code=USAGE)
    try:
        if request.payer is not None:
            return AccountId.parse(request.payer)
        if request.directory is not None:
            return TopicId.parse(request.directory)
    except ValueError as error:
        raise CommandFailed(f"{'--payer' if request.payer else '--directory'}: {error}", code=USAGE) from error
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


async def _names(mirror: Mirror, named: Named) -> Sequence[TopicId]:
    from bridge.publish.directory import is_directory, listed_in
    from topics.mirror.made import made_by

    match named:
        case AccountId():
            return await made_by(mirror, named)
        case TopicId():
            if not await is_directory(mirror, named):
                hint = "--payer ACCOUNT finds the topics without a directory"
                raise CommandFailed(f"--directory: {named} isn't one on this network", code=USAGE, hint=hint)
            return await listed_in(mirror, named)
    return named


async def take_up_directory(storage: Storage, mirror: Mirror, named: Named, tally: Tally) -> None:
    """Go on with the directory, named or come across: the first that lists a campaign of ours."""
    from bridge.publish.directory import is_directory, listed_in, take_up
    from bridge.storage import now_ms

    for topic_id in [named] if isinstance(named, TopicId) else sorted(tally.foreign):
        listed = await listed_in(mirror, topic_id) if await is_directory(mirror, topic_id) else []
        if not tally.campaigns.keys().isdisjoint(listed):
            tally.foreign.discard(topic_id)
            await storage.database.write(partial(take_up, directory=topic_id, topic_ids=listed, now_ms=now_ms()))
            break


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


def recovery_of(config: Config, private: Path | None) -> Recovery | None:
    """What opens what was wrapped for the recovery key, if its private half is given."""
    from bridge.keys.taking_over import Recovery, recovery_key

    return None if private is None else Recovery(recovery_key(private, key="--recovery-key"), config.network.name)


def saved_of(config: Config, key_backup: Path | None, private: Path | None) -> list[SavedEpoch]:
    """Users' keys out of the key backup."""
    if key_backup is None:
        return []
    if private is None:
        raise CommandFailed("--key-backup needs --recovery-key", code=USAGE, hint="the backup opens with nothing else")
    from bridge.commands.keys_made import read_backup

    return read_backup(config, key_backup, private)


def _locked(tally: Tally) -> CommandFailed:
    some = ", ".join(str(topic_id) for topic_id in sorted(tally.locked)[:SHOWN_TOPICS])
    return CommandFailed(
        f"no key at hand opens {len(tally.locked)} topics of this bridge's, such as {some}",
        hint="run again with --keys-from a newer backup, or --recovery-key; what was read is kept. "
        "--without-locked leaves them: nothing on the ledger is lost, but such a campaign gets a new topic when "
        "something is published for it",
    )
