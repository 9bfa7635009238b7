"""`hcs-bridge export`: a topic with all that is needed to judge it, in one file."""

# ruff: noqa: PLC0415 # as in the other verbs: what it needs is imported when it runs
from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from bridge.commands.auditing import Known, bar, key_ring, looked_up, own_key, shown
from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.options import DEFAULT_CONFIG, AsJson, ConfigPath, loaded

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.relay.audit.bundle_lines import Writer
    from bridge.relay.audit.source import MirrorSource

SAYS_NOTHING = "no keys in it: whoever has it reads nothing that isn't on the ledger, but our receipts"
OPENS = (
    "in it: WHOEVER HAS THE FILE READS ALL EVENTS OF THIS CAMPAIGN, those that will still come under these keys too, "
    "except those for single users. It can't be taken back: guard it like the keys themselves"
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What is in the bundle."""

    file: str
    topic: str
    messages: int
    receipts: int
    keys: int

    def as_text(self) -> str:
        """A line on what it is, one on what it allows, one on how to check it."""
        return (
            f"exported: topic {self.topic}, {self.messages:,} messages, {self.receipts:,} receipts, to {self.file}\n"
            f"{f'{self.keys} campaign key(s) {OPENS}' if self.keys else SAYS_NOTHING}\n"
            f"it is judged by `hcs-bridge verify --bundle {self.file} --pin KEY`"
        )


def export(
    target: Annotated[str, typer.Argument(metavar="CAMPAIGN|TOPIC", help="A campaign's id, or as in 0.0.7001.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Default: audit-<topic>.jsonl, here.")
    ] = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="The campaign's keys, too: whoever has the file reads its events.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Take the place of a file that is there.")] = False,
    as_json: AsJson = False,
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Write a topic's messages as the mirror gives them to one file, for `verify --bundle` anywhere; spend nothing.

    With the receipts that the database has, where there is one. Without --with-keys the file can be shown to anybody.
    """
    done = asyncio.run(exported(loaded(config), target, out, with_keys=with_keys, force=force))
    typer.echo(json.dumps(asdict(done)) if as_json else done.as_text())


async def exported(config: Config, target: str, out: Path | None, *, with_keys: bool, force: bool) -> Exported:
    """The file is there whole, or not at all.

    Raises CommandFailed, ConfigInvalid, DatabaseHeld, Unavailable; IntegrityError and Refuted for a mirror whose
    messages don't follow each other or end before what is on record.
    """
    from bridge.relay.audit.bundle_lines import Header, Writer

    async with looked_up(config, target) as known, shown(config, known.topic_id) as source:
        out = out or Path(f"audit-{known.topic_id}.jsonl")
        key = own_key(config)
        header = Header(
            network=config.network.name, topic_id=str(known.topic_id), public_key=None if key is None else key.hex()
        )
        with _placed(out, force=force) as file, bar(known.topic_id) as show:
            writer = Writer(file, header)
            keys = _write_keys(writer, config, known) if with_keys else 0
            receipts, wanted = _write_receipts(writer, known)
            messages = await _write_messages(writer, source, wanted, show)
            writer.end()
    return Exported(str(out), str(known.topic_id), messages, receipts, keys)


def _write_keys(writer: Writer, config: Config, known: Known) -> int:
    from bridge.relay.audit.looking import campaign_epochs

    if known.here is None:
        raise CommandFailed("--with-keys needs the campaign's database", code=USAGE)
    database, ref = known.here
    epochs = campaign_epochs(database, key_ring(config), ref)
    for epoch in epochs:
        writer.key(epoch.key)
    return len(epochs)


def _write_receipts(writer: Writer, known: Known) -> tuple[int, int]:
    """How many there are, and the last sequence number that the mirror must have."""
    from bridge.relay import progress
    from bridge.relay.audit.receipts import recorded

    if known.here is None:
        return 0, 0
    database, _ = known.here
    count, newest = 0, database.read(lambda c: progress.of(c, known.topic_id)).opened_sequence
    for receipt in recorded(database, known.topic_id):
        writer.receipt(receipt)
        count, newest = count + 1, max(newest, receipt.sequence)
    return count, newest


async def _write_messages(
    writer: Writer, source: MirrorSource, wanted: int, on_page: Callable[[int, int | None], None]
) -> int:
    """How many. Only what follows by running hash: what it says is for whoever judges the bundle."""
    from bridge.relay.audit.source import Span
    from topics.running_hash import Verifier
    from topics.values import START

    verifier = Verifier(source.topic_id, START)
    async for page in source.shown(Span(), wanted):
        for each in page:
            verifier.accept(each.message)
            writer.message(each.row)
        on_page(verifier.position.sequence, wanted or None)
    return verifier.position.sequence


@contextmanager
def _placed(out: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file that only its owner may read, beside `out`, which it becomes once it is whole and on disk."""
    _refuse_taken(out, force=force)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{out.name}.", dir=out.parent)  # mode 0600
        scratch = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _refuse_taken(out, force=force)
            scratch.replace(out)
        finally:
            scratch.unlink(missing_ok=True)
        folder = os.open(out.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise CommandFailed(f"can't write {out}: {error.strerror or error}") from error


def _refuse_taken(out: Path, *, force: bool) -> None:
    if not force and out.exists():
        raise CommandFailed(f"{out} is there already", code=USAGE, hint="say --force to replace it, or name another")
