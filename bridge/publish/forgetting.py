"""Forgets what was kept as long as promised: old idempotency keys, settled events, the bytes that carried them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from bridge.database import Database
from bridge.errors import Unavailable
from bridge.log import get_logger
from bridge.publish import idempotency
from bridge.publish.flights import FlightState
from bridge.publish.id_records import TransactionState
from bridge.publish.outbox import EntryState
from bridge.schema import entries, flights, positions, transactions

log = get_logger(__name__)

EVERY_S = 600.0
BATCH = 500  # entries looked at, and perhaps deleted, in one commit, so that nobody waits long for the writer
PAUSE_S = 0.05
HOUR_MS = 3_600_000

_PAGE = (
    select(entries.c.id, entries.c.state, entries.c.accepted_ms, entries.c.flight_id, flights.c.state.label("flight"))
    .outerjoin(flights, flights.c.id == entries.c.flight_id)
    .where(entries.c.id > bindparam("after"))
    .order_by(entries.c.id)
    .limit(BATCH)
)
_DELETE = delete(entries).where(entries.c.id.in_(bindparam("ids", expanding=True)))
_READ = (
    select(flights.c.id)
    .join(positions, positions.c.topic_id == flights.c.topic_id)
    .where(
        flights.c.id.in_(bindparam("flight_ids", expanding=True)),
        flights.c.producer_sequence <= positions.c.producer_sequence,
    )
)
_EMPTY = (
    update(transactions)
    .where(transactions.c.flight_id.in_(_READ), transactions.c.state != TransactionState.INTENDED)
    .values(message=None)
)


async def forget(
    database: Database, *, keys_h: int, settled_days: int, settled_events: int, now_ms: Callable[[], int]
) -> None:
    """Go on until cancelled. What can't be deleted now is deleted later."""
    while True:
        keys_ms = now_ms() - keys_h * HOUR_MS
        settled_ms = min(keys_ms, now_ms() - settled_days * 24 * HOUR_MS)  # a request told again names its events
        try:
            await database.write(lambda c: idempotency.forget(c, before_ms=keys_ms))  # noqa: B023 # awaited here
            await forget_settled(database, before_ms=settled_ms, keys_ms=keys_ms, newest=settled_events)
        except Unavailable as error:
            log.warning("old records not forgotten", reason=str(error))
        await asyncio.sleep(EVERY_S)


async def forget_settled(database: Database, *, before_ms: int, keys_ms: int, newest: int) -> None:
    """Delete entries that were accepted before, or come before the `newest` and `keys_ms`. Raises Unavailable.

    Only those that are confirmed or dropped, in no flight that is open. Their flights keep ids, receipts and fees: ids
    are never used again, receipts are what the ledger is held against. The bytes that were sent go.
    """
    after = 0
    last = await database.read(lambda c: int(c.execute(select(func.max(entries.c.id))).scalar_one() or 0))
    while page := await database.read(lambda c: c.execute(_PAGE, {"after": after}).all()):  # noqa: B023 # awaited here
        aged = [
            row
            for row in page
            if row.accepted_ms < before_ms or (row.id <= last - newest and row.accepted_ms < keys_ms)
        ]
        if settled := [row for row in aged if _is_settled(row)]:
            await database.write(lambda c: _let_go(c, settled))
        if len(aged) < len(page):  # in the order of acceptance: what follows is younger
            return
        after = page[-1].id
        await asyncio.sleep(PAUSE_S)


def _is_settled(row: Row[*tuple[Any, ...]]) -> bool:
    return row.state in {EntryState.CONFIRMED, EntryState.DROPPED} and row.flight != FlightState.OPEN


def _let_go(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    connection.execute(_EMPTY, {"flight_ids": list({row.flight_id for row in rows if row.flight_id is not None})})
    connection.execute(_DELETE, {"ids": [row.id for row in rows]})
