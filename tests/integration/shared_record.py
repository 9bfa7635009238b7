"""What a database that several daemons shared says of a run: what is left to do, and who had what when."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, func, select

from bridge.publish.flights import FlightState
from bridge.publish.outbox import EntryState
from bridge.schema import entries, flights, tenures, transactions


def left_in(connection: Connection) -> int:
    """Entries that aren't confirmed, and flights that are open."""
    open_entries = select(func.count()).select_from(entries).where(entries.c.state != EntryState.CONFIRMED)
    open_flights = select(func.count()).select_from(flights).where(flights.c.state == FlightState.OPEN)
    return int(connection.execute(open_entries).scalar_one() + connection.execute(open_flights).scalar_one())


def tenures_in(connection: Connection) -> dict[str, Any]:
    """How often shards changed hands, which were in two at a time, and how many daemons' transactions there are."""
    rows = connection.execute(select(tenures).order_by(tenures.c.shard, tenures.c.fence)).all()
    twice = [
        later
        for earlier, later in pairwise(rows)
        if earlier.shard == later.shard
        and (earlier.ended_ms is None or earlier.ended_ms > later.since_ms or earlier.fence + 1 != later.fence)
    ]
    starts = connection.execute(select(transactions.c.valid_start_ns)).scalars()
    return {
        "held_twice": len(twice),
        "taken": sum(row.fence for row in rows if row.ended_ms is None),
        "sent_by": sorted({start_ns % 100 for start_ns in starts}),
    }
