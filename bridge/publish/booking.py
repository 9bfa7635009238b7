"""Puts what the ledger charged on the bills, each of its entries once. Functions over the caller's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, func, or_, select, update

from bridge.publish import costs
from bridge.publish.budgets import Bill, Scope, day_of, split_by
from bridge.publish.id_records import TransactionState
from bridge.schema import costs as costs_table
from bridge.schema import entries, transactions
from bridge.statements import add_up
from topics.fees import ExchangeRate
from topics.mirror.answers import TransactionOutcome
from topics.values import AccountId, TransactionId

NEVER_RAN = "NEVER_RAN"
"""The status of an id that a creator gave up by proof (topics.creator)."""

_PAY = (
    update(transactions)
    .where(transactions.c.payer == bindparam("of_payer"), transactions.c.valid_start_ns == bindparam("of_start"))
    .values(
        fee_tinybar=bindparam("fee"),
        booked_ns=bindparam("booked"),
        rate_hbar=bindparam("hbar"),
        rate_cents=bindparam("cents"),
    )
)


@dataclass(frozen=True, slots=True)
class Booked:
    """What a call has added to which bill, in tinybar, and the campaigns whose manifest is among it."""

    added: Mapping[Bill, int] = field(default_factory=dict)
    begun: Collection[str] = ()


@dataclass(slots=True)
class _Paid:
    """A transaction of ours, and what is booked of it by now."""

    ref: str
    flight_id: int | None
    last: bool  # of its flight's chunks
    fee_tinybar: int
    booked_ns: int


@dataclass(frozen=True, slots=True)
class _Part:
    """What an API key has in a flight."""

    api_key: str
    size: int
    events: int


@dataclass(slots=True)
class _Line:
    tinybar: int = 0
    tinycents: int = 0
    transactions: int = 0
    events: int = 0


def book(connection: Connection, rows: Sequence[TransactionOutcome], rate: ExchangeRate) -> Booked:
    """Book the entries that aren't booked yet; foreign transactions are left out.

    One id can stand on the ledger several times, each time charged: its entries are told apart by their consensus
    time, and must come in its order, as a mirror gives them.
    """
    known = _known(connection, [row.id for row in rows])
    fresh: list[TransactionOutcome] = []
    for row in rows:
        paid = known.get(row.id)
        if paid is not None and row.consensus_ns > paid.booked_ns:
            paid.fee_tinybar += row.charged_tinybar
            paid.booked_ns = row.consensus_ns
            fresh.append(row)
    if not fresh:
        return Booked()
    parts = _parts(connection, [known[row.id] for row in fresh])
    lines: defaultdict[Bill, _Line] = defaultdict(_Line)
    begun: set[str] = set()
    for row in fresh:
        paid = known[row.id]
        of_flight = parts.get(paid.flight_id)
        if paid.flight_id is not None and of_flight is None:
            begun.add(paid.ref)
        _add(lines, row, paid, of_flight or [_Part(_sponsor(connection, paid.ref), 1, 0)], rate)
    _keep(connection, {row.id: known[row.id] for row in fresh}, lines, rate)
    return Booked({bill: line.tinybar for bill, line in lines.items()}, begun)


def unbooked_creations(connection: Connection, refs: Collection[str] | None, *, limit: int) -> list[TransactionId]:
    """Creations, and listings, that came to an end and whose fee isn't known, of these campaigns, or (None) of any.

    The newest first. Those which the mirror has proven never to have run are free.
    """
    found = (
        select(transactions.c.payer, transactions.c.valid_start_ns)
        .where(
            transactions.c.flight_id.is_(None),
            transactions.c.fee_tinybar.is_(None),
            transactions.c.state != TransactionState.INTENDED,
            or_(transactions.c.status.is_(None), transactions.c.status != NEVER_RAN),
        )
        .order_by(transactions.c.valid_start_ns.desc())
        .limit(limit)
    )
    if refs is not None:
        found = found.where(transactions.c.ref.in_(refs))
    return [_id(*row) for row in connection.execute(found)]


def _known(connection: Connection, ids: Sequence[TransactionId]) -> dict[TransactionId, _Paid]:
    columns = (
        transactions.c.payer,
        transactions.c.valid_start_ns,
        transactions.c.ref,
        transactions.c.flight_id,
        transactions.c.number == transactions.c.total,
        func.coalesce(transactions.c.fee_tinybar, 0),
        func.coalesce(transactions.c.booked_ns, 0),
    )
    return {
        _id(payer, valid_start_ns): _Paid(*rest)
        for chosen in costs.by_payer(ids, transactions)
        for payer, valid_start_ns, *rest in connection.execute(select(*columns).where(chosen))
    }


def _parts(connection: Connection, paid: Sequence[_Paid]) -> dict[int | None, list[_Part]]:
    """Who has what in each of the flights; a manifest has nobody in it."""
    flight_ids = {found.flight_id for found in paid if found.flight_id is not None}
    grouped = (
        select(entries.c.flight_id, entries.c.api_key, func.sum(entries.c.size), func.count())
        .where(entries.c.flight_id.in_(flight_ids))
        .group_by(entries.c.flight_id, entries.c.api_key)
        .order_by(entries.c.flight_id, entries.c.api_key)
    )
    parts: defaultdict[int | None, list[_Part]] = defaultdict(list)
    for flight_id, api_key, size, count in connection.execute(grouped):
        parts[flight_id].append(_Part(api_key, int(size), count))
    return dict(parts)


def _add(
    lines: Mapping[Bill, _Line], row: TransactionOutcome, paid: _Paid, parts: Sequence[_Part], rate: ExchangeRate
) -> None:
    """Put one entry of the ledger on its campaign's, its day's and its API keys' bills."""
    for bill, amount, cents, events in _shares(row, paid, parts, rate):
        line = lines[bill]
        line.tinybar += amount
        line.tinycents += cents
        line.transactions += 1
        line.events += events


def _shares(
    row: TransactionOutcome, paid: _Paid, parts: Sequence[_Part], rate: ExchangeRate
) -> Iterator[tuple[Bill, int, int, int]]:
    sizes = [part.size for part in parts]
    tinybar = split_by(row.charged_tinybar, sizes)
    tinycents = split_by(rate.tinycents(row.charged_tinybar), sizes)
    delivered = row.result == "SUCCESS" and paid.last
    events = [part.events if delivered else 0 for part in parts]
    for bill in (Bill(Scope.CAMPAIGN, paid.ref), Bill(Scope.DAY, day_of(row.consensus_ns))):
        yield bill, sum(tinybar), sum(tinycents), sum(events)
    for part, *amounts in zip(parts, tinybar, tinycents, events, strict=True):
        yield Bill(Scope.KEY, part.api_key), amounts[0], amounts[1], amounts[2]


def _keep(
    connection: Connection,
    paid: Mapping[TransactionId, _Paid],
    lines: Mapping[Bill, _Line],
    rate: ExchangeRate,
) -> None:
    rows = [
        {
            "of_payer": str(transaction_id.payer),
            "of_start": transaction_id.valid_start_ns,
            "fee": found.fee_tinybar,
            "booked": found.booked_ns,
            "hbar": rate.hbar_equivalent,
            "cents": rate.cent_equivalent,
        }
        for transaction_id, found in paid.items()
    ]
    connection.execute(_PAY, rows)
    costs.release(connection, list(paid))
    add_up(
        connection,
        costs_table,
        [
            {
                "scope": bill.scope,
                "name": bill.name,
                "tinybar": line.tinybar,
                "tinycents": line.tinycents,
                "reserved_tinybar": 0,
                "transactions": line.transactions,
                "events": line.events,
            }
            for bill, line in lines.items()
        ],
    )


def _sponsor(connection: Connection, ref: str) -> str:
    return costs.sponsors_of(connection, [ref]).get(ref, costs.NOBODY)


def _id(payer: str, valid_start_ns: int) -> TransactionId:
    return TransactionId(AccountId.parse(payer), valid_start_ns)
