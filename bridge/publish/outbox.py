"""The outbox: accepted events in their order, until each is confirmed on the ledger or parked with a reason.

Functions over the caller's transaction; what an event says is sealed in `body`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from sqlalchemy import Connection, bindparam, insert, select, update

from bridge.schema import entries
from bridge.statements import sliced

MAX_REASON_CHARS = 300


class EntryState(StrEnum):
    """Where an accepted event is. Only forward, except by an operator's hand."""

    WAITING = "waiting"  # on disk, in no flight
    FLYING = "flying"  # in a flight that is on disk
    SUBMITTED = "submitted"  # consensus took its flight, by receipt
    CONFIRMED = "confirmed"  # the checked mirror shows it
    PARKED = "parked"  # refused for what it says; the reason stands beside it
    DROPPED = "dropped"  # given up by an operator; who and when stand beside it


OPEN_STATES = (EntryState.WAITING, EntryState.FLYING, EntryState.SUBMITTED)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An event on its way into the outbox. `size` is what it takes in a frame, in bytes."""

    event_id: bytes
    ref: str
    channel: str
    body: bytes
    size: int
    api_key: str
    accepted_ms: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the outbox. `id` is its place in the order of acceptance."""

    id: int
    event_id: bytes
    channel: str
    body: bytes
    size: int


@dataclass(frozen=True, slots=True)
class EntryStatus:
    """What a backend is told of an accepted event."""

    event_id: bytes
    ref: str
    channel: str
    state: EntryState
    accepted_ms: int
    reason: str | None
    topic_id: str | None
    sequence: int | None
    index: int | None
    consensus_ns: int | None


# Statements are made once: building one costs more than running it.
_APPEND = insert(entries)
_ENTRY = select(entries.c.id, entries.c.event_id, entries.c.channel, entries.c.body, entries.c.size)
_WAITING = (
    _ENTRY.where(entries.c.ref == bindparam("of"), entries.c.state == EntryState.WAITING)
    .order_by(entries.c.id)
    .limit(bindparam("most"))
)
_REFS_WAITING = select(entries.c.ref).where(entries.c.state == EntryState.WAITING).distinct()
_BOARD = (
    update(entries)
    .where(entries.c.id == bindparam("entry_id"))
    .values(state=EntryState.FLYING, flight_id=bindparam("flight"), index=bindparam("place"))
)
_SUBMITTED = (
    update(entries)
    .where(entries.c.flight_id == bindparam("flight"), entries.c.state == EntryState.FLYING)
    .values(state=EntryState.SUBMITTED)
)
_CONFIRM = (
    update(entries)
    .where(
        entries.c.event_id == bindparam("confirmed_id"),
        (entries.c.flight_id == bindparam("in_flight")) | entries.c.flight_id.is_(None),
    )
    .values(
        state=EntryState.CONFIRMED,
        topic_id=bindparam("at_topic"),
        sequence=bindparam("at_sequence"),
        index=bindparam("at_index"),
        consensus_ns=bindparam("at_ns"),
    )
)
_STATUS = select(*(entries.c[field.name] for field in fields(EntryStatus))).where(entries.c.event_id == bindparam("of"))
_KNOWN = select(entries.c.event_id).where(entries.c.event_id.in_(bindparam("ids", expanding=True)))
_OF_CHANNEL = entries.c.channel == bindparam("of")
_OPEN = (
    select(entries.c.event_id)
    .where(_OF_CHANNEL, entries.c.state.in_(OPEN_STATES))
    .order_by(entries.c.id.desc())
    .limit(bindparam("most"))
)
_PARKED = (
    select(entries.c.event_id, entries.c.reason)
    .where(_OF_CHANNEL, entries.c.state.in_((EntryState.PARKED, EntryState.DROPPED)))
    .order_by(entries.c.id.desc())
    .limit(bindparam("most"))
)


def append(connection: Connection, arrivals: Sequence[NewEntry]) -> None:
    """Put accepted events behind all others, in their order."""
    rows = [
        {
            "event_id": arrival.event_id,
            "ref": arrival.ref,
            "channel": arrival.channel,
            "kind": "event",
            "body": arrival.body,
            "size": arrival.size,
            "api_key": arrival.api_key,
            "accepted_ms": arrival.accepted_ms,
            "state": EntryState.WAITING.value,
        }
        for arrival in arrivals
    ]
    if rows:
        connection.execute(_APPEND, rows)


def known(connection: Connection, event_ids: Collection[bytes]) -> set[bytes]:
    """Those of the ids that events here have, whatever has become of them."""
    return {found for some in sliced(event_ids) for found in connection.execute(_KNOWN, {"ids": some}).scalars()}


def waiting(connection: Connection, ref: str, *, limit: int, max_bytes: float = math.inf) -> list[Entry]:
    """The oldest entries of one campaign that are in no flight yet, until there are `limit`, or more than fit."""
    found: list[Entry] = []
    size = 0
    with connection.execute(_WAITING, {"of": ref, "most": limit}) as rows:
        for row in rows:
            found.append(Entry(*row))
            size += found[-1].size
            if size > max_bytes and len(found) > 1:  # the first goes, whatever its size
                break
    return found


def refs_waiting(connection: Connection) -> list[str]:
    """The campaigns that have something to send."""
    return list(connection.execute(_REFS_WAITING).scalars())


def board(connection: Connection, boarding: Mapping[int, Sequence[Entry]]) -> None:
    """These entries are in these flights now (by number), in this order."""
    rows = [
        {"entry_id": entry.id, "flight": flight_id, "place": place}
        for flight_id, aboard in boarding.items()
        for place, entry in enumerate(aboard)
    ]
    if rows:
        connection.execute(_BOARD, rows)


def submitted(connection: Connection, flight_ids: Sequence[int]) -> None:
    """Consensus took these flights. Entries that the mirror has shown already stay confirmed."""
    if flight_ids:
        connection.execute(_SUBMITTED, [{"flight": id_} for id_ in flight_ids])


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The consensus position that the checked mirror shows for an event.

    `flight_id` is the flight whose very bytes stand there; None where they are those of none on record.
    """

    event_id: bytes
    flight_id: int | None
    topic_id: str
    sequence: int
    index: int
    consensus_ns: int


def confirm(connection: Connection, confirmations: Sequence[Confirmation]) -> None:
    """These have arrived. Events of ours that this outbox doesn't know (a rebuilt store) change nothing.

    An entry in a flight is confirmed by that flight's bytes alone. One in no flight, in a database that was put back
    from a copy, is confirmed by what only we can have sealed and signed: sending it again would double it.
    """
    if not confirmations:
        return
    rows = [
        {
            "confirmed_id": c.event_id,
            "in_flight": c.flight_id,
            "at_topic": c.topic_id,
            "at_sequence": c.sequence,
            "at_index": c.index,
            "at_ns": c.consensus_ns,
        }
        for c in confirmations
    ]
    connection.execute(_CONFIRM, rows)


def park(connection: Connection, entry_ids: Collection[int], reason: str) -> None:
    """These will not be sent: the network refuses what they say."""
    connection.execute(
        update(entries)
        .where(entries.c.id.in_(entry_ids))
        .values(state=EntryState.PARKED, reason=reason[:MAX_REASON_CHARS])
    )


def in_flight(connection: Connection, flight_id: int) -> list[Entry]:
    """The entries of a flight, in their order."""
    in_it = _ENTRY.where(entries.c.flight_id == flight_id).order_by(entries.c.index)
    return [Entry(*row) for row in connection.execute(in_it)]


def status(connection: Connection, event_id: bytes) -> EntryStatus | None:
    """What became of an accepted event; None for an id that was never given."""
    row = connection.execute(_STATUS, {"of": event_id}).mappings().one_or_none()
    return None if row is None else EntryStatus(**{**row, "state": EntryState(row["state"])})


def open_ids(connection: Connection, channel: str, *, limit: int) -> Iterator[bytes]:
    """The newest events of a channel that are accepted and neither confirmed nor parked."""
    return iter(connection.execute(_OPEN, {"of": channel, "most": limit}).scalars())


def parked(connection: Connection, channel: str, *, limit: int) -> Iterator[tuple[bytes, str]]:
    """The events of a channel that were parked last, each with its reason."""
    return ((event_id, reason) for event_id, reason in connection.execute(_PARKED, {"of": channel, "most": limit}))
