"""Campaigns as the console lists them: how far each is read, what of it waits, what it cost; and all of it in numbers.

Functions over the caller's transaction, reading only. Each statement takes its rows by an index, or looks through a
table that has a row for each campaign.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, and_, bindparam, cast, func, or_, select

from bridge.protocol.envelope import iso_time
from bridge.protocol.values import JSON
from bridge.publish.budgets import Scope, usd
from bridge.publish.flights import FlightState
from bridge.publish.outbox import OPEN_STATES, EntryState
from bridge.publish.survey import UNFINISHED
from bridge.schema import costs, entries, flights, positions, topics, transactions
from topics.registry import TopicState, status_of

LATEST_FRAMES = 8
"""Among so many of a topic's frames is the last one that has a receipt: one is under way at a time."""

Found = Row[*tuple[Any, ...]]


class Wanted(NamedTuple):
    """A page of campaigns: at most `limit` behind `after`, whose id or topic has `search` in it."""

    limit: int
    after: str = ""
    search: str = ""
    only_halted: bool = False


_ALL = topics.c.state != TopicState.NONE
_LATEST = (
    select(flights.c.id)
    .where(flights.c.topic_id == topics.c.topic_id, flights.c.state != FlightState.REFUSED)
    .order_by(flights.c.producer_sequence.desc())
    .limit(LATEST_FRAMES)
    .correlate(topics)
)
_RECEIPT = select(func.max(transactions.c.sequence)).where(transactions.c.flight_id.in_(_LATEST)).correlate(topics)
_CAMPAIGN = (
    select(
        topics.c.ref, topics.c.topic_id, topics.c.state, topics.c.closing_ms, topics.c.sealed,
        positions.c.opened_sequence, positions.c.skipped, positions.c.halted,
        costs.c.tinybar, costs.c.tinycents, costs.c.reserved_tinybar, costs.c.transactions, costs.c.events,
        _RECEIPT.scalar_subquery().label("receipt"),
    )
    .select_from(
        topics.outerjoin(positions, positions.c.topic_id == topics.c.topic_id).outerjoin(
            costs, and_(costs.c.scope == Scope.CAMPAIGN, costs.c.name == topics.c.ref)
        )
    )
    .where(_ALL)
    .order_by(topics.c.ref)
)  # fmt: skip
_TALLIES = (
    select(entries.c.ref, entries.c.state, func.count().label("count"), func.min(entries.c.id).label("oldest"))
    .where(entries.c.ref.in_(bindparam("refs", expanding=True)), entries.c.state.in_(UNFINISHED))
    .group_by(entries.c.ref, entries.c.state)
)


def page(connection: Connection, wanted: Wanted, stopped: Mapping[str, str]) -> dict[str, JSON]:
    """`campaigns` by id, and `next`, behind which the page after this one begins. `stopped`: why nothing leaves."""
    found = _CAMPAIGN.where(topics.c.ref > wanted.after).limit(wanted.limit + 1)
    if wanted.search:
        found = found.where(
            or_(*(c.icontains(wanted.search, autoescape=True) for c in (topics.c.ref, topics.c.topic_id)))
        )
    if wanted.only_halted:
        found = found.where(positions.c.halted.is_not(None))
    rows = connection.execute(found).all()
    listed = rows[: wanted.limit]
    more = len(rows) > wanted.limit
    return {"campaigns": _campaigns(connection, listed, stopped), "next": listed[-1].ref if more else None}


def one(connection: Connection, ref: str, stopped: Mapping[str, str]) -> JSON:
    """One campaign as it stands in the list; None if it isn't registered."""
    rows = connection.execute(_CAMPAIGN.where(topics.c.ref == ref)).all()
    return next(iter(_campaigns(connection, rows, stopped)), None)


def _campaigns(connection: Connection, rows: Sequence[Found], stopped: Mapping[str, str]) -> list[JSON]:
    counts: defaultdict[str, dict[str, JSON]] = defaultdict(lambda: dict.fromkeys(UNFINISHED, 0))
    oldest: dict[str, int] = {}
    for ref, state, count, first in connection.execute(_TALLIES, {"refs": [row.ref for row in rows]}):
        counts[ref][state] = count
        if state in OPEN_STATES:
            oldest[ref] = min(first, oldest.get(ref, first))
    accepted = select(entries.c.id, entries.c.accepted_ms).where(entries.c.id.in_(oldest.values()))
    accepted_ms: dict[int, int] = dict(connection.execute(accepted).all())
    return [
        {
            "id": row.ref,
            "status": status_of(row.state, row.closing_ms),
            "relay": "sealed" if row.sealed else "plain",
            "topicId": row.topic_id,
            "sequence": row.opened_sequence or 0,
            "behind": max(0, (row.receipt or 0) - (row.opened_sequence or 0)),
            "halted": row.halted,
            "skipped": row.skipped or 0,
            "stopped": stopped.get(row.ref),
            "outbox": counts[row.ref],
            "openSince": iso_time(accepted_ms[oldest[row.ref]]) if row.ref in oldest else None,
            "cost": bill(row),
        }
        for row in rows
    ]


def bill(row: Found) -> dict[str, JSON]:
    """A sum of `costs`, whatever it is of; all zero where there is none yet."""
    return {
        "tinybar": str(row.tinybar or 0),
        "usd": usd(row.tinycents or 0),
        "reservedTinybar": str(row.reserved_tinybar or 0),
        "transactions": row.transactions or 0,
        "events": row.events or 0,
    }


def _whole(total: ColumnElement[int]) -> ColumnElement[int]:
    """PostgreSQL adds 64 bits up to a decimal."""
    return cast(total, BigInteger)


def _count(state: EntryState) -> ColumnElement[int]:
    """How many are in this state: campaign by campaign, since the index over states begins with the campaign."""
    of_one = select(func.count()).where(entries.c.ref == topics.c.ref, entries.c.state == state)
    return _whole(func.coalesce(func.sum(of_one.scalar_subquery()), 0)).label(state.value)


_UNFINISHED = select(*(_count(state) for state in UNFINISHED)).select_from(topics)
_READ = select(
    _whole(func.coalesce(func.sum(positions.c.opened_sequence), 0)),
    func.count(positions.c.halted),
    _whole(func.sum(positions.c.skipped)),
)


def totals(connection: Connection) -> dict[str, JSON]:
    """Of everything: `accepted` and `verified` only grow."""
    messages, halted, skipped = connection.execute(_READ).one()
    return {
        "accepted": connection.execute(select(func.max(entries.c.id))).scalar() or 0,
        "verified": messages,
        "campaigns": connection.execute(select(func.count()).select_from(topics).where(_ALL)).scalar_one(),
        "halted": halted,
        "skipped": skipped or 0,
        "outbox": dict(connection.execute(_UNFINISHED).mappings().one()),
    }


def bills(connection: Connection, scope: Scope, *, limit: int) -> list[dict[str, JSON]]:
    """The sums counted in this way, the last names first: of days, the latest."""
    found = select(costs).where(costs.c.scope == scope).order_by(costs.c.name.desc()).limit(limit)
    return [{"name": row.name} | bill(row) for row in connection.execute(found)]
