"""What an operator sees of the outbox: what waits, flies and is parked, since when and why. Reads only.

Functions over the caller's transaction; what an event says stays sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select

from bridge.publish import costs
from bridge.publish.costs import Cost
from bridge.publish.obstacles import obstacles
from bridge.publish.outbox import OPEN_STATES, EntryState
from bridge.schema import entries, flights, topics, transactions
from topics.values import AccountId, TransactionId

UNFINISHED = (EntryState.WAITING, EntryState.FLYING, EntryState.SUBMITTED, EntryState.PARKED)


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of the outbox. `handled_by` is the operator who last had a hand in it."""

    event_id: bytes
    ref: str
    channel: str
    kind: str
    state: EntryState
    accepted_ms: int
    reason: str | None
    handled_by: str | None
    handled_ms: int | None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many entries of a campaign are in a state, and when the oldest of them was accepted."""

    ref: str
    state: EntryState
    count: int
    oldest_ms: int


@dataclass(frozen=True, slots=True)
class Overview:
    """Counts by campaign and state, what stands in each of these campaigns' way, and the oldest entries."""

    tallies: Sequence[Tally]
    obstacles: Mapping[str, Sequence[str]]
    entries: Sequence[Kept]


@dataclass(frozen=True, slots=True)
class Sent:
    """A transaction of an entry's flight: chunk `number` of `total`, and what became of it."""

    id: TransactionId
    number: int
    total: int
    state: str
    status: str | None
    sequence: int | None
    fee_tinybar: int | None


@dataclass(frozen=True, slots=True)
class Flown:
    """The flight that an entry is or was in; `index` is its place there."""

    number: int
    producer_sequence: int
    index: int
    state: str
    opened_ms: int
    transactions: tuple[Sent, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of an entry; what it says is sealed in `body`."""

    entry: Kept
    body: bytes
    api_key: str
    size: int
    topic_id: str | None
    sequence: int | None
    consensus_ns: int | None
    flight: Flown | None
    cost: Cost | None


_KEPT = (
    entries.c.event_id,
    entries.c.ref,
    entries.c.channel,
    entries.c.kind,
    entries.c.state,
    entries.c.accepted_ms,
    entries.c.reason,
    entries.c.handled_by,
    entries.c.handled_ms,
)


def overview(
    connection: Connection, *, ref: str | None = None, states: Sequence[EntryState] = UNFINISHED, limit: int
) -> Overview:
    """All campaigns or one, in these states; at most `limit` entries."""
    counted = tallies(connection, ref=ref, states=states)
    hindered = obstacles(connection, list(dict.fromkeys(tally.ref for tally in counted)))
    return Overview(counted, hindered, listed(connection, ref=ref, states=states, limit=limit))


def listed(
    connection: Connection, *, ref: str | None = None, states: Sequence[EntryState] = UNFINISHED, limit: int
) -> list[Kept]:
    """The oldest entries in these states, at most `limit`, in the order of acceptance."""
    found = _of(select(*_KEPT).where(entries.c.state.in_(states)), ref).order_by(entries.c.id).limit(limit)
    return [_kept(row) for row in connection.execute(found)]


def tallies(
    connection: Connection, *, ref: str | None = None, states: Sequence[EntryState] = UNFINISHED
) -> list[Tally]:
    """What there is of each campaign in each of these states, by campaign."""
    grouped = _of(
        select(entries.c.ref, entries.c.state, func.count().label("count"), func.min(entries.c.id).label("oldest")),
        ref,
    )
    counted = grouped.where(entries.c.state.in_(states)).group_by(entries.c.ref, entries.c.state).subquery()
    found = (
        select(counted.c.ref, counted.c.state, counted.c.count, entries.c.accepted_ms)
        .join(entries, entries.c.id == counted.c.oldest)
        .order_by(counted.c.ref, counted.c.state)
    )
    return [Tally(ref, EntryState(state), count, oldest) for ref, state, count, oldest in connection.execute(found)]


def story(connection: Connection, event_id: bytes) -> Story | None:
    """Everything about one entry but what it says; None for an id that was never given."""
    columns = (
        entries.c.body,
        entries.c.api_key,
        entries.c.size,
        entries.c.topic_id,
        entries.c.sequence,
        entries.c.consensus_ns,
        entries.c.flight_id,
        entries.c.index,
    )
    row = connection.execute(select(*_KEPT, *columns).where(entries.c.event_id == event_id)).one_or_none()
    if row is None:
        return None
    flight = None if row.flight_id is None else _flown(connection, row.flight_id, row._mapping["index"])
    return Story(
        _kept(row[: len(_KEPT)]),
        row.body,
        row.api_key,
        row.size,
        row.topic_id,
        row.sequence,
        row.consensus_ns,
        flight,
        costs.of_event(connection, event_id),
    )


def _of(statement: Select[tuple[object, ...]], ref: str | None) -> Select[tuple[object, ...]]:
    return statement if ref is None else statement.where(entries.c.ref == ref)


def _kept(row: Sequence[object]) -> Kept:
    event_id, ref, channel, kind, state, *rest = row
    return Kept(event_id, ref, channel, kind, EntryState(str(state)), *rest)  # type: ignore[arg-type] # the columns' own types


def _flown(connection: Connection, flight_id: int, index: int) -> Flown:
    flight = connection.execute(select(flights).where(flights.c.id == flight_id)).one()
    chunks = connection.execute(
        select(transactions)
        .where(transactions.c.flight_id == flight_id)
        .order_by(transactions.c.number, transactions.c.valid_start_ns)
    )
    sent = [
        Sent(
            TransactionId(AccountId.parse(row.payer), row.valid_start_ns),
            row.number,
            row.total,
            row.state,
            row.status,
            row.sequence,
            row.fee_tinybar,
        )
        for row in chunks
    ]
    return Flown(flight.id, flight.producer_sequence, index, flight.state, flight.opened_ms, tuple(sent))


def oldest_ms(connection: Connection) -> int | None:
    """When the oldest event that isn't confirmed was accepted; None: there is none.

    Campaign by campaign, since the index over states begins with the campaign.
    """
    ages = []
    for state in OPEN_STATES:
        of_one = select(func.min(entries.c.accepted_ms)).where(entries.c.ref == topics.c.ref, entries.c.state == state)
        ages.append(connection.execute(select(func.min(of_one.scalar_subquery())).select_from(topics)).scalar())
    return min((age for age in ages if age is not None), default=None)
