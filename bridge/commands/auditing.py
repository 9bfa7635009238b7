"""What `verify` and `export` share: the topic that is meant, what is known of it here, and the mirror that shows it."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.commands.exits import USAGE, CommandFailed
from topics.values import TopicId

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.keys.ring import KeyRing
    from bridge.relay.audit.looking import ReadOnly
    from bridge.relay.audit.source import MirrorSource
    from topics.registry import Registration

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Known:
    """A topic, and the database with the ref of its campaign there; None: no database, or no such campaign in it."""

    topic_id: TopicId
    here: tuple[ReadOnly, str] | None


@asynccontextmanager
async def looked_up(config: Config, target: str) -> AsyncIterator[Known]:
    """What `target`, a topic's id or a campaign's, means. Raises CommandFailed, DatabaseHeld, Unavailable."""
    async with _database(config) as database:
        registration = None if database is None else await asyncio.to_thread(_find, database, target)
        here = None if database is None or registration is None else (database, registration.ref)
        yield Known(_topic_id(target, registration), here)


@asynccontextmanager
async def shown(config: Config, topic_id: TopicId) -> AsyncIterator[MirrorSource]:
    """The topic at the configured mirrors. Raises CommandFailed for one that they don't know."""
    from bridge.relay.audit.source import MirrorSource
    from bridge.remotes import mirror_of

    mirror = mirror_of(config)
    try:
        if await mirror.topic(topic_id) is None:
            raise CommandFailed(f"the mirror {mirror.url} knows no topic {topic_id}")
        yield MirrorSource(
            mirror,
            topic_id,
            patience_s=config.mirror.request_timeout_s,
            poll_interval_s=config.mirror.poll_interval_s,
        )
    finally:
        await mirror.close()


def key_ring(config: Config) -> KeyRing:
    """What opens the keys in the database. Raises ConfigInvalid."""
    from bridge.keys.load import load_keys
    from bridge.keys.ring import KeyRing

    return KeyRing(load_keys(config.keys).master, max_cached=config.keys.max_cached)


def own_key(config: Config) -> bytes | None:
    """This bridge's public key, None where it has no signing key. Raises ConfigInvalid."""
    from bridge.keys.load import public_key_of

    return public_key_of(config.keys) if config.keys.signing_key_file.exists() else None


def given_key(pin: str) -> bytes:
    """The public key that --pin gives: hex digits, or a file that holds them. Raises CommandFailed, ConfigInvalid."""
    from bridge.key_files import read_secret

    text = read_secret(Path(pin), key="--pin", private=False) if Path(pin).is_file() else pin
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        rule = f"must be {KEY_BYTES * 2} hex digits, or a file that holds them"
        raise CommandFailed(f"--pin {pin[:80]} {rule}", code=USAGE)
    return key


@contextmanager
def bar(topic_id: TopicId) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"topic {topic_id}", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=None if of is None else max(done, of))


@asynccontextmanager
async def _database(config: Config) -> AsyncIterator[ReadOnly | None]:
    """Ours, if there is one. Raises DatabaseHeld for one of another version or network."""
    from bridge.engines import kind_of
    from bridge.relay.audit.looking import ReadOnly

    if not kind_of(config.database).exists(config.database):
        yield None
        return
    database = ReadOnly(config.database)
    try:
        await asyncio.to_thread(_check, config, database)
        yield database
    finally:
        database.close()


def _check(config: Config, database: ReadOnly) -> None:
    from bridge import migrations, settings
    from bridge.errors import DatabaseHeld

    revision, newest = database.read(migrations.revision_of), migrations.revisions()[0]
    if revision != newest:
        hint = "run the version that made it, or start this one's daemon, which migrates it"
        raise DatabaseHeld(f"the database is at revision {revision}, and this version reads {newest}", hint=hint)
    bound = database.read(lambda c: settings.found(c, settings.NETWORK))
    if bound not in (None, config.network.name):
        text = f"the database belongs to the network {bound!r}, and network.name is {config.network.name!r}"
        raise DatabaseHeld(text, hint="give each network a database.url of its own")


def _find(database: ReadOnly, target: str) -> Registration | None:
    from bridge.schema import registry

    try:
        topic_id = TopicId.parse(target)
    except ValueError:
        return database.read(lambda c: registry.find(c, target))
    return database.read(lambda c: registry.by_topic(c, topic_id) or registry.find(c, target))


def _topic_id(target: str, registration: Registration | None) -> TopicId:
    if registration is not None and registration.topic_id is not None:
        return registration.topic_id
    if registration is None:
        try:
            return TopicId.parse(target)
        except ValueError:
            pass
    hint = "see `hcs-bridge topic list`; without the database, name a topic as in 0.0.7001"
    raise CommandFailed(f"no topic for campaign {target}", hint=hint)
