"""`hcs-bridge verify`: reads a whole topic again, and says in a line whether all that it shows holds."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.exits import FAILED, OK, USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded
from topics.values import TopicId

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.relay.audit.looking import ReadOnly
    from bridge.relay.audit.reading import OnRecord, Span
    from bridge.relay.audit.verdict import Verdict
    from topics.registry import Registration

KEY_BYTES = 32
VERIFIED = "verified"


def verify(
    target: Annotated[str, typer.Argument(metavar="TOPIC|CAMPAIGN", help="As in 0.0.7001, or a campaign's id.")],
    pin: Annotated[
        str | None, typer.Option(metavar="HEX|FILE", help="The bridge's public key; default: this bridge's own.")
    ] = None,
    first: Annotated[int, typer.Option("--from", min=1, help="The first sequence number.")] = 1,
    last: Annotated[int | None, typer.Option("--to", min=1, help="The last one; default: all there are.")] = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Read a whole topic from the mirror again, and check everything in it; spend and change nothing.

    Sequence, running hash, manifest, every frame's seal and signature; and, where there is a database, our receipts and
    what the relay stored. Works beside a running daemon. Ends with 0 only if all of it held; "unverified" ends with 1.
    """
    from bridge.relay.audit.reading import Span

    if last is not None and last < first:
        raise CommandFailed(f"--to {last} lies before --from {first}", code=USAGE)
    verdict = asyncio.run(audited(loaded(config), target, pin=pin, span=Span(first, last)))
    typer.echo(json.dumps(verdict.as_json()) if as_json else verdict.as_text())
    raise typer.Exit(OK if verdict.result == VERIFIED else FAILED)


async def audited(config: Config, target: str, *, pin: str | None, span: Span) -> Verdict:
    """Raises CommandFailed, ConfigInvalid, DatabaseHeld, Unavailable."""
    from bridge.relay.audit.judge import Rules
    from bridge.relay.audit.reading import Audit
    from bridge.remotes import mirror_of

    async with _database(config) as database:
        registration = None if database is None else await asyncio.to_thread(_find, database, target)
        topic_id = _topic_id(target, registration)
        rules = Rules(config.network.name, topic_id, pinned(config, pin), config.relay)
        on_record = None
        if database is not None and registration is not None:
            on_record = await asyncio.to_thread(_on_record, config, database, registration, span)
        mirror = mirror_of(config)
        try:
            if await mirror.topic(topic_id) is None:
                raise CommandFailed(f"the mirror {mirror.url} knows no topic {topic_id}")
            audit = Audit(
                mirror,
                rules,
                span,
                on_record,
                patience_s=config.mirror.request_timeout_s,
                poll_interval_s=config.mirror.poll_interval_s,
            )
            with _bar(str(topic_id)) as show:
                return await audit.run(show)
        finally:
            await mirror.close()


def pinned(config: Config, pin: str | None) -> bytes | None:
    """The bridge key to believe: the one given, else our own, else none. Raises CommandFailed, ConfigInvalid."""
    from bridge.key_files import read_secret
    from bridge.keys.load import public_key_of

    if pin is None:
        return public_key_of(config.keys) if config.keys.signing_key_file.exists() else None
    text = read_secret(Path(pin), key="--pin", private=False) if Path(pin).is_file() else pin
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        rule = f"must be {KEY_BYTES * 2} hex digits, or a file that holds them"
        raise CommandFailed(f"--pin {pin[:80]} {rule}", code=USAGE)
    return key


@asynccontextmanager
async def _database(config: Config) -> AsyncIterator[ReadOnly | None]:
    """Ours, if there is one. Raises DatabaseHeld for one of another version or network."""
    from bridge.relay.audit.looking import ReadOnly, database_path

    if not database_path(config.database).exists():
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


def _on_record(config: Config, database: ReadOnly, registration: Registration, span: Span) -> OnRecord:
    from bridge.keys.at_rest import AtRest
    from bridge.keys.load import load_keys
    from bridge.keys.ring import STORE, KeyRing
    from bridge.relay import progress
    from bridge.relay.audit.looking import RecordedKeys
    from bridge.relay.audit.publications import Publications
    from bridge.relay.audit.reading import OnRecord
    from bridge.relay.audit.receipts import Receipts
    from bridge.relay.store import Source

    topic_id = _topic_id(registration.ref, registration)
    ring = KeyRing(load_keys(config.keys).master, max_cached=config.keys.max_cached)
    store_key = database.read(lambda c: ring.current(c, STORE))
    if store_key is None:
        raise CommandFailed("the database has no store key: no daemon has ever run on it")
    read = database.read(lambda c: progress.of(c, topic_id))
    return OnRecord(
        RecordedKeys(database, ring, registration.ref, max_cached=config.keys.max_cached),
        Receipts(database, topic_id, read, first=span.first),
        Publications(
            database,
            Source(topic_id, registration.ref),
            AtRest(store_key),
            first=span.first,
            last=read.opened_sequence,
        ),
        halted=database.read(lambda c: progress.halted(c, topic_id)),
    )


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(f"topic {name}", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=None if of is None else max(done, of))
