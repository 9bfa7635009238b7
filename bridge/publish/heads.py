"""The oldest waiting entries of many campaigns, read by one statement: most campaigns have few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from bridge.publish.outbox import Entry, EntryState
from bridge.schema import entries, topics

HEAD = 16
"""So many of each campaign; who may have more reads them with `outbox.waiting`."""

_each = entries.alias("each")
_OLDEST = (
    select(_each.c.id)
    .where(_each.c.ref == topics.c.ref, _each.c.state == EntryState.WAITING)
    .order_by(_each.c.id)
    .limit(HEAD)
    .correlate(topics)
)
_HEADS = (
    select(topics.c.ref, entries.c.id, entries.c.event_id, entries.c.channel, entries.c.body, entries.c.size)
    .join_from(topics, entries, entries.c.id.in_(_OLDEST))
    .where(topics.c.ref.in_(bindparam("refs", expanding=True)))
    .order_by(entries.c.id)
)


def heads(connection: Connection, refs: Sequence[str]) -> dict[str, list[Entry]]:
    """What of each of these campaigns is in no flight yet, in the order of acceptance, at most HEAD; `[]` of others."""
    found = defaultdict[str, list[Entry]](list)
    for ref, *row in connection.execute(_HEADS, {"refs": refs}):
        found[ref].append(Entry(*row))
    return found
