"""`hcs-bridge verify`: reads a whole topic again, or a bundle, and says in a line whether all that it shows holds."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
# ruff: noqa: PLR0913, PLR0917 # an option of a verb is a parameter of its function
from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.commands.auditing import Known, bar, given_key, key_ring, looked_up, own_key, shown
from bridge.commands.exits import FAILED, OK, USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.relay.audit.reading import OnRecord
    from bridge.relay.audit.source import Span
    from bridge.relay.audit.verdict import Verdict

VERIFIED = "verified"


def verify(
    target: Annotated[
        str | None, typer.Argument(metavar="TOPIC|CAMPAIGN", help="As in 0.0.7001, or a campaign's id.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="Of `export`, instead; needs nothing else at all."
        ),
    ] = None,
    pin: Annotated[
        str | None,
        typer.Option(metavar="HEX|FILE", help="The bridge's public key; default: this bridge's own, none for FILE."),
    ] = None,
    first: Annotated[int, typer.Option("--from", min=1, help="The first sequence number.")] = 1,
    last: Annotated[int | None, typer.Option("--to", min=1, help="The last one; default: all there are.")] = None,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Read a whole topic from the mirror again, and check everything in it; spend and change nothing.

    Sequence, running hash, manifest, every frame's seal and signature; and, where there is a database, our receipts and
    what the relay stored. Works beside a running daemon. Ends with 0 only if all of it held; "unverified" ends with 1.
    With --bundle the file is all that is read: no configuration, no database, no network.
    """
    from bridge.relay.audit.source import Span

    if last is not None and last < first:
        raise CommandFailed(f"--to {last} lies before --from {first}", code=USAGE)
    span = Span(first, last)
    if bundle is not None and target is None:
        work = audited_bundle(bundle, pin=pin, span=span)
    elif target is not None and bundle is None:
        work = audited(loaded(config), target, pin=pin, span=span)
    else:
        raise CommandFailed("name a topic, a campaign or --bundle FILE, one of them", code=USAGE)
    verdict = asyncio.run(work)
    typer.echo(json.dumps(verdict.as_json()) if as_json else verdict.as_text())
    raise typer.Exit(OK if verdict.result == VERIFIED else FAILED)


async def audited(config: Config, target: str, *, pin: str | None, span: Span) -> Verdict:
    """What the mirror shows. Raises CommandFailed, ConfigInvalid, DatabaseHeld, Unavailable."""
    from bridge.relay.audit.judge import Rules
    from bridge.relay.audit.reading import Audit

    async with looked_up(config, target) as known:
        key = own_key(config) if pin is None else given_key(pin)
        rules = Rules(config.network.name, known.topic_id, key, config.relay)
        record = await asyncio.to_thread(_on_record, config, known, span)
        async with shown(config, known.topic_id) as source:
            with bar(known.topic_id) as show:
                return await Audit(source, rules, span, record, pinned=key is not None).run(show)


async def audited_bundle(file: Path, *, pin: str | None, span: Span) -> Verdict:
    """What the bundle shows, and nothing else is asked. Raises BundleRefused, CommandFailed, ConfigInvalid."""
    from bridge.config_sections import Relay
    from bridge.relay.audit.bundle import Bundle
    from bridge.relay.audit.judge import Rules
    from bridge.relay.audit.reading import Audit, OnRecord
    from bridge.relay.audit.receipts import Receipts

    bundle = Bundle.opened(file)
    named = bundle.header.public_key
    key = given_key(pin) if pin is not None else None if named is None else bytes.fromhex(named)
    rules = Rules(bundle.header.network, bundle.topic_id, key, Relay())
    newest = max((receipt.sequence for receipt in bundle.receipts()), default=0)
    receipts = Receipts(bundle.topic_id, bundle.receipts(first=span.first), newest=newest)
    record = OnRecord(bundle.keys(), receipts)
    with bar(bundle.topic_id) as show:
        return await Audit(bundle, rules, span, record, pinned=pin is not None, bundle=True).run(show)


def _on_record(config: Config, known: Known, span: Span) -> OnRecord | None:
    from bridge.keys.at_rest import AtRest
    from bridge.keys.ring import STORE
    from bridge.relay import progress
    from bridge.relay.audit.looking import RecordedKeys
    from bridge.relay.audit.publications import Publications
    from bridge.relay.audit.reading import OnRecord
    from bridge.relay.audit.receipts import Receipts, newest, recorded
    from bridge.relay.store import Source
    from bridge.schema import registry

    if known.here is None:
        return None
    database, ref = known.here
    topic_id, ring = known.topic_id, key_ring(config)
    store_key = database.read(lambda c: ring.current(c, STORE))
    if store_key is None:
        raise CommandFailed("the database has no store key: no daemon has ever run on it")
    read = database.read(lambda c: progress.of(c, topic_id))
    must = max(newest(database, topic_id), read.opened_sequence)
    return OnRecord(
        RecordedKeys(database, ring, ref, max_cached=config.keys.max_cached),
        Receipts(topic_id, recorded(database, topic_id, first=span.first), newest=must, read=read),
        Publications(
            database,
            Source(topic_id, ref),
            AtRest(store_key),
            first=span.first,
            last=read.opened_sequence,
            sealed=database.read(lambda c: ref in registry.sealed(c, [ref])),
        ),
        halted=database.read(lambda c: progress.halted(c, topic_id)),
    )
