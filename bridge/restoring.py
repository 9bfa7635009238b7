"""Fits a copy of the database from before to the ledger, which went on since: what it forgot is there, not to be sent.

Around a `Rebuild` that reads on from the copy: `unboard` before it, `settle` behind it. Functions over the caller's
transaction.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, or_, select, update

from bridge import settings, shards
from bridge.publish import outbox
from bridge.publish.outbox import EntryState
from bridge.relay import progress
from bridge.schema import entries, pool, registry
from topics.values import TopicId


def unboard(connection: Connection) -> int:
    """Entries that weren't confirmed wait again, in no flight: whatever frame holds them on the ledger confirms them.

    Where the sweep of the copy stood comes back. Users' channels begin a new generation: their offsets were counted on,
    and clients have positions that this database never gave.
    """
    under_way = entries.c.state.in_((EntryState.FLYING, EntryState.SUBMITTED))
    waits = {"state": EntryState.WAITING, "flight_id": None, "index": None}
    connection.execute(update(entries).where(under_way).values(waits))
    settings.keep(connection, settings.GENERATION, os.urandom(8).hex())
    return shards.cursor_ns(connection)


def settle(connection: Connection, *, cursor_ns: int, empty: Collection[TopicId], lost: Mapping[TopicId, str]) -> None:
    """Behind the reading: the pool keeps the topics that are `empty`, and campaigns that can't be read on are closed.

    The sweep goes on from where the copy's stood, so that what was paid since is booked. What waits for a `lost`
    campaign is parked with the reason.
    """
    shards.keep_cursor(connection, cursor_ns)
    unused = [str(topic_id) for topic_id in empty]
    connection.execute(delete(pool).where(or_(pool.c.topic_id.is_(None), pool.c.topic_id.not_in(unused))))
    for topic_id, reason in lost.items():
        progress.halt(connection, topic_id, reason)
        registry.closed(connection, topic_id)
        if (known := registry.by_topic(connection, topic_id)) is not None:
            waiting = select(entries.c.id).where(entries.c.ref == known.ref, entries.c.state == EntryState.WAITING)
            outbox.park(connection, list(connection.execute(waiting).scalars()), reason)
