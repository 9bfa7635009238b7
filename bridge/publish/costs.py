"""What was spent and what is reserved, by campaign, API key and day. Functions over the caller's transaction.

A bill's `tinybar` is what the ledger charged; `reserved_tinybar` what is estimated for transactions on disk that
aren't booked yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, or_, select, update

from bridge.publish.budgets import Bill, Scope, day_of, share
from bridge.schema import costs, entries, flights, reservations, sponsors, transactions
from bridge.statements import add_up
from topics.fees import ExchangeRate
from topics.values import TransactionId

NOBODY = ""
"""The API key of what none has caused: topics made from the command line."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What one bill comes to. `events` are those whose frame is paid."""

    name: str
    tinybar: int
    tinycents: int
    reserved_tinybar: int
    transactions: int
    events: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What an event cost: its share, by bytes, of all transactions of its flight; `rate` is what the USD rest on."""

    tinybar: int
    tinycents: int
    rate: ExchangeRate


def sums(connection: Connection, scope: Scope) -> list[Sum]:
    """Every bill of this way of counting, by name."""
    columns = (
        costs.c.name,
        costs.c.tinybar,
        costs.c.tinycents,
        costs.c.reserved_tinybar,
        costs.c.transactions,
        costs.c.events,
    )
    rows = connection.execute(select(*columns).where(costs.c.scope == scope).order_by(costs.c.name))
    return [Sum(*row) for row in rows]


def committed(connection: Connection, of: Iterable[Bill]) -> dict[Bill, int]:
    """Spent and reserved together, in tinybar; bills without any are left out."""
    return _standing(connection, of, costs.c.tinybar + costs.c.reserved_tinybar)


def spent(connection: Connection, of: Iterable[Bill]) -> dict[Bill, int]:
    """Spent, in tinybar; bills without any are left out."""
    return _standing(connection, of, costs.c.tinybar)


def reserve(connection: Connection, transaction_id: TransactionId, amounts: Mapping[Bill, int]) -> None:
    """Set these tinybar aside until the transaction is booked or spent."""
    listed = [(bill, tinybar) for bill, tinybar in amounts.items() if tinybar]
    if not listed:
        return
    place = {"payer": str(transaction_id.payer), "valid_start_ns": transaction_id.valid_start_ns}
    rows = [place | {"scope": bill.scope, "name": bill.name, "tinybar": tinybar} for bill, tinybar in listed]
    connection.execute(insert(reservations), rows)
    _reserved(connection, dict(listed))


def release(connection: Connection, transaction_ids: Sequence[TransactionId]) -> None:
    """What was set aside for these is free again, or has been charged."""
    freed: defaultdict[Bill, int] = defaultdict(int)
    for chosen in by_payer(transaction_ids, reservations):
        for row in connection.execute(select(reservations).where(chosen)):
            freed[Bill(Scope(row.scope), row.name)] -= row.tinybar
        connection.execute(delete(reservations).where(chosen))
    _reserved(connection, freed)


def carry_over(connection: Connection, old: TransactionId, fresh: TransactionId) -> None:
    """What was set aside for `old` stands for `fresh`, which carries the same message."""
    [chosen] = by_payer([old], reservations)
    connection.execute(
        update(reservations).where(chosen).values(payer=str(fresh.payer), valid_start_ns=fresh.valid_start_ns)
    )


def sponsor(connection: Connection, ref: str, api_key: str) -> None:
    """This API key made the campaign known."""
    connection.execute(insert(sponsors).values(ref=ref, api_key=api_key))


def sponsors_of(connection: Connection, refs: Iterable[str]) -> dict[str, str]:
    """Whose bill the campaigns' topics are on; those on nobody's are left out."""
    found = select(sponsors.c.ref, sponsors.c.api_key).where(sponsors.c.ref.in_(set(refs)))
    return dict(connection.execute(found).all())


def keys_of(connection: Connection, entry_ids: Sequence[int]) -> dict[int, str]:
    """The API key that brought each entry."""
    found = select(entries.c.id, entries.c.api_key).where(entries.c.id.in_(entry_ids))
    return dict(connection.execute(found).all())


def bills(ref: str, amounts: Mapping[str, int], *, at_ns: int) -> dict[Bill, int]:
    """What `amounts`, by API key, come to on every bill: the campaign's, the day's, and each key's."""
    whole = sum(amounts.values())
    common = {Bill(Scope.CAMPAIGN, ref): whole, Bill(Scope.DAY, day_of(at_ns)): whole}
    return common | {Bill(Scope.KEY, api_key): amount for api_key, amount in amounts.items()}


def of_event(connection: Connection, event_id: bytes) -> Cost | None:
    """What an accepted event cost; None until its whole flight is booked."""
    columns = (entries.c.flight_id, entries.c.index, entries.c.size, flights.c.state)
    found = select(*columns).join(flights, flights.c.id == entries.c.flight_id).where(entries.c.event_id == event_id)
    entry = connection.execute(found).one_or_none()
    if entry is None:
        return None
    flight_id, index, size, state = entry
    booked = connection.execute(
        select(transactions.c.fee_tinybar, transactions.c.rate_hbar, transactions.c.rate_cents, transactions.c.state)
        .where(transactions.c.flight_id == flight_id)
        .order_by(transactions.c.valid_start_ns)
    ).all()
    if state == "open" or any(row.fee_tinybar is None for row in booked if row.state != "spent"):
        return None
    rates = [ExchangeRate(row.rate_hbar, row.rate_cents) for row in booked if row.fee_tinybar is not None]
    if not rates:
        return None
    fees = [row.fee_tinybar for row in booked if row.fee_tinybar is not None]
    tinycents = sum(rate.tinycents(fee) for rate, fee in zip(rates, fees, strict=True))
    whole, before = _place(connection, flight_id, index)
    part = {"before": before, "weight": size, "whole": whole}
    return Cost(share(sum(fees), **part), share(tinycents, **part), rates[-1])


def _place(connection: Connection, flight_id: int, index: int) -> tuple[int, int]:
    """Bytes of all events of a flight, and of those that stand before `index`."""
    of_flight = entries.c.flight_id == flight_id
    ahead = func.sum(entries.c.size).filter(entries.c.index < index)
    whole, before = connection.execute(select(func.sum(entries.c.size), ahead).where(of_flight)).one()
    return int(whole), int(before or 0)


def _standing(connection: Connection, of: Iterable[Bill], amount: ColumnElement[int]) -> dict[Bill, int]:
    wanted = [and_(costs.c.scope == bill.scope, costs.c.name == bill.name) for bill in of]
    if not wanted:
        return {}
    found = connection.execute(select(costs.c.scope, costs.c.name, amount).where(or_(*wanted)))
    return {Bill(Scope(scope), name): tinybar for scope, name, tinybar in found}


def by_payer(transaction_ids: Sequence[TransactionId], table: Table) -> Iterator[ColumnElement[bool]]:
    """Conditions that find these ids, one for each payer (there is one, as a rule)."""
    for payer in {transaction_id.payer for transaction_id in transaction_ids}:
        starts = [found.valid_start_ns for found in transaction_ids if found.payer == payer]
        yield and_(table.c.payer == str(payer), table.c.valid_start_ns.in_(starts))


def _reserved(connection: Connection, amounts: Mapping[Bill, int]) -> None:
    nothing = {"tinybar": 0, "tinycents": 0, "transactions": 0, "events": 0}
    add_up(
        connection,
        costs,
        [
            {"scope": bill.scope, "name": bill.name, "reserved_tinybar": tinybar} | nothing
            for bill, tinybar in amounts.items()
        ],
    )
