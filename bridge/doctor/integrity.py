"""Whether the database is whole: its pages, rows that belong together, and how far the topics were read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import ColumnElement, Connection, FromClause, func, or_, select

from bridge import migrations
from bridge.config import Config
from bridge.doctor.findings import Finding, Status, failed, ok, text_of
from bridge.doctor.storage import schema
from bridge.engines import Kind, kind_of
from bridge.errors import DatabaseHeld, Unavailable
from bridge.publish.outbox import EntryState
from bridge.relay.audit.looking import ReadOnly
from bridge.remotes import mirror_of
from bridge.schema import channels, entries, flights, positions, publications, topics
from topics.errors import TopicsError
from topics.mirror.rest import Mirror
from topics.values import Position, TopicId

PAGES, ROWS, POSITIONS = "pages", "rows", "positions"
ASKED_AT_A_TIME = 8
MAX_NAMED = 5
PUT_BACK = "stop the daemon, move the database away and run `hcs-bridge restore` on a backup: it reads what came since"
REPORT = "nothing of this program makes such rows: please report it; `hcs-bridge restore` makes them anew"
LOOK = (
    "see `hcs-bridge topic show`: a second mirror tells which is right; `hcs-bridge verify` compares message by message"
)

_UNDER_WAY = entries.c.state.in_((EntryState.FLYING, EntryState.SUBMITTED))
_FLIGHT = select(flights.c.id).where(flights.c.id == entries.c.flight_id)
_NO_PLACE = or_(entries.c.sequence.is_(None), entries.c.topic_id.is_(None))
_TOPIC = select(topics.c.ref).where(topics.c.topic_id == publications.c.topic_id)
_TOP = select(channels.c.top).where(channels.c.channel == publications.c.channel)
_ABOVE = or_(~_TOP.exists(), publications.c.offset > _TOP.scalar_subquery())
ORPHANS: Mapping[str, tuple[FromClause, ColumnElement[bool]]] = {
    "entries under way in no flight": (entries, _UNDER_WAY & ~_FLIGHT.exists()),
    "confirmed entries without a place on the ledger": (entries, (entries.c.state == EntryState.CONFIRMED) & _NO_PLACE),
    "publications of no topic": (publications, ~_TOPIC.exists()),
    "publications above their channel's top": (publications, _ABOVE),
}


async def checked(config: Config, *, offline: bool) -> list[Finding]:
    """A line about each; `offline` leaves the mirror out. Reads only."""
    database = ReadOnly(config.database)
    try:
        kind = kind_of(config.database)
        findings = [await asyncio.to_thread(_whole, kind, database)]
        if findings[0].status is Status.FAILED:  # then nothing that is read from it means anything
            return findings
        revision, known = database.read(migrations.revision_of), migrations.revisions()
        findings.append(schema(revision or "none", known))
        if revision != known[0]:
            return findings
        findings.append(await asyncio.to_thread(database.read, partial(rows, kind)))
        reached = database.read(_reached)
    finally:
        database.close()
    if offline:
        return findings
    mirror = mirror_of(config)
    try:
        return [*findings, await against(mirror, reached)]
    finally:
        await mirror.close()


def _whole(kind: Kind, database: ReadOnly) -> Finding:
    try:
        return database.read(partial(pages, kind))
    except (Unavailable, DatabaseHeld) as error:
        return failed(PAGES, text_of(error), PUT_BACK)


def pages(kind: Kind, connection: Connection) -> Finding:
    """Whether the disk holds what was written."""
    found = kind.damage(connection)
    return failed(PAGES, _some(found), PUT_BACK) if found else ok(PAGES, "it is whole")


def rows(kind: Kind, connection: Connection) -> Finding:
    """Whether what a row refers to is there."""
    named = Counter(kind.lost(connection))
    found = [f"{count} rows of {table} name a missing one of {parent}" for (table, parent), count in named.items()]
    for what, (table, is_orphan) in ORPHANS.items():
        if count := connection.execute(select(func.count()).select_from(table).where(is_orphan)).scalar_one():
            found.append(f"{count} {what}")
    return failed(ROWS, _some(found), REPORT) if found else ok(ROWS, "all belong together")


async def against(mirror: Mirror, reached: Mapping[TopicId, Position]) -> Finding:
    """Whether the ledger has each topic's last message that was read as it was read."""
    room = asyncio.Semaphore(ASKED_AT_A_TIME)
    unknown: list[str] = []

    async def differs(topic_id: TopicId, position: Position) -> str | None:
        async with room:
            try:
                message = await mirror.message(topic_id, position.sequence)
            except TopicsError as error:
                unknown.append(f"{topic_id}: {text_of(error)}")
                return None
        if message is None:
            return f"{topic_id} has no message {position.sequence}, which was read"
        same = (message.running_hash, message.consensus_ns) == (position.running_hash, position.consensus_ns)
        return None if same else f"{topic_id} has another message {position.sequence} than was read"

    compared = await asyncio.gather(*(differs(*each) for each in reached.items()))
    if wrong := [each for each in compared if each is not None]:
        return failed(POSITIONS, _some(wrong), LOOK)
    if unknown:
        return failed(POSITIONS, f"not compared: {_some(unknown)}", "run it again, or with --offline")
    return ok(POSITIONS, f"{len(reached)} topics stand on the ledger as they were read")


def _reached(connection: Connection) -> dict[TopicId, Position]:
    found = connection.execute(select(positions).where(positions.c.sequence > 0).order_by(positions.c.topic_id))
    return {TopicId.parse(row.topic_id): Position(row.sequence, row.consensus_ns, row.running_hash) for row in found}


def _some(texts: Sequence[str]) -> str:
    more = f"; and {len(texts) - MAX_NAMED} more" if len(texts) > MAX_NAMED else ""
    return "; ".join(texts[:MAX_NAMED]) + more
