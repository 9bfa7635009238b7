"""Accepted events as the console lists them: a campaign's timeline with each one's journey, and the outbox by state.

Functions over the caller's transaction, reading only, by indexes. What an event says stays sealed, and of a user's
channel it is only told that it is one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, or_, select, union_all

from bridge.protocol.envelope import iso_time
from bridge.protocol.values import JSON
from bridge.publish.outbox import EntryState
from bridge.schema import entries, flights, publications, topics, transactions
from topics.values import format_timestamp

Found = Row[*tuple[Any, ...]]

# A campaign's timeline

_PLACE = (
    select(publications.c.offset)
    .where(
        publications.c.channel == entries.c.channel,
        publications.c.topic_id == entries.c.topic_id,
        publications.c.sequence == entries.c.sequence,
        publications.c.index <= entries.c.index,  # a sealed frame has one publication, at the first of its events
    )
    .order_by(publications.c.index.desc())
    .limit(1)
    .correlate(entries)
)
_ENTRY = (
    entries.c.id, entries.c.event_id, entries.c.ref, entries.c.kind, entries.c.channel, entries.c.state,
    entries.c.accepted_ms, entries.c.reason,
)  # fmt: skip


def _newest(state: EntryState) -> Select[tuple[int]]:
    of_state = entries.c.ref == bindparam("of"), entries.c.state == state, entries.c.id < bindparam("before")
    newest = select(entries.c.id).where(*of_state).order_by(entries.c.id.desc()).limit(bindparam("most"))
    return select(newest.subquery().c.id)


_TIMELINE = (
    select(
        *_ENTRY, entries.c.flight_id, entries.c.sequence, entries.c.index, entries.c.consensus_ns,
        flights.c.opened_ms, flights.c.producer_sequence, _PLACE.scalar_subquery().label("offset"),
    )
    .select_from(entries.outerjoin(flights, flights.c.id == entries.c.flight_id))
    .where(entries.c.id.in_(union_all(*(_newest(state) for state in EntryState))))
    .order_by(entries.c.id.desc())
    .limit(bindparam("most"))
)  # fmt: skip


def timeline(connection: Connection, ref: str, *, before: int, limit: int) -> dict[str, JSON]:
    """The events of a campaign's topic accepted last, newest first; `next`: the page after this is before that."""
    rows = connection.execute(_TIMELINE, {"of": ref, "before": before, "most": limit + 1}).all()
    page = rows[:limit]
    chunks = _chunks(connection, {row.flight_id for row in page if row.flight_id is not None})
    events: list[JSON] = [_entry(row, None) | _journey(row, chunks.get(row.flight_id)) for row in page]
    return {"events": events, "next": str(page[-1].id) if len(rows) > limit else None}


def _chunks(connection: Connection, flight_ids: Iterable[int]) -> dict[int, int]:
    """Of how many chunks each of these flights is."""
    found = select(transactions.c.flight_id, func.max(transactions.c.total)).group_by(transactions.c.flight_id)
    return dict(connection.execute(found.where(transactions.c.flight_id.in_(flight_ids))).all())


def _journey(row: Found, chunks: int | None) -> dict[str, JSON]:
    """What is on record of its way; None where nothing is."""
    return {
        "sealedAt": None if row.opened_ms is None else iso_time(row.opened_ms),
        "frame": row.producer_sequence,
        "chunks": chunks,
        "consensusTimestamp": None if row.consensus_ns is None else format_timestamp(row.consensus_ns),
        "sequence": row.sequence,
        "index": None if row.sequence is None else row._mapping["index"],
        "offset": row.offset,
    }


# The outbox


def outbox(
    connection: Connection,
    state: str,
    *,
    campaign: str = "",
    after: tuple[str, int] = ("", 0),
    limit: int,
    stopped: Mapping[str, str],
) -> dict[str, JSON]:
    """`entries` in this state by campaign, each one's oldest first, and `next`, for the `after` of another page."""
    ref, place = after
    found = (
        select(*_ENTRY)
        .select_from(topics.join(entries, entries.c.ref == topics.c.ref))
        .where(topics.c.ref >= ref, or_(topics.c.ref > ref, entries.c.id > place), entries.c.state == state)
        .order_by(topics.c.ref, entries.c.id)
        .limit(limit + 1)
    )
    rows = connection.execute(found.where(topics.c.ref == campaign) if campaign else found).all()
    page = rows[:limit]
    listed: list[JSON] = [_entry(row, stopped.get(row.ref)) for row in page]
    return {"entries": listed, "next": f"{page[-1].ref}/{page[-1].id}" if len(rows) > limit else None}


def _entry(row: Found, stopped: str | None) -> dict[str, JSON]:
    return {
        "id": str(uuid.UUID(bytes=row.event_id)),
        "campaignId": row.ref,
        "kind": row.kind,
        "to": row.channel.partition(":")[0],
        "state": row.state,
        "acceptedAt": iso_time(row.accepted_ms),
        "reason": row.reason or stopped,
    }
