"""What a flight carried, for a relay that doesn't open it: its frame, and which of its elements are our own messages.

Functions over the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from bridge.keys.at_rest import AtRest
from bridge.protocol.wire.frame import Opened, Sealed
from bridge.publish.bodies import open_element
from bridge.publish.id_records import TransactionState
from bridge.publish.outbox import EntryState
from bridge.schema import entries, transactions

_CHUNKS = (
    select(transactions.c.message)
    .where(transactions.c.flight_id == bindparam("flight"), transactions.c.state != TransactionState.SPENT)
    .order_by(transactions.c.number)
)
_ABOARD = (
    select(entries.c.kind, entries.c.event_id, entries.c.body)
    .where(entries.c.flight_id == bindparam("flight"))
    .order_by(entries.c.index)
)
_LANDED = (
    update(entries)
    .where(entries.c.flight_id == bindparam("flight"))
    .values(
        state=EntryState.CONFIRMED,
        topic_id=bindparam("at_topic"),
        sequence=bindparam("at_sequence"),
        consensus_ns=bindparam("at_ns"),
    )
)


@dataclass(frozen=True, slots=True)
class Landing:
    """Where consensus put a flight's frame, by its last chunk."""

    flight_id: int
    topic_id: str
    sequence: int
    consensus_ns: int


def frame_of(connection: Connection, flight_id: int) -> bytes:
    """The bytes that were sent."""
    return b"".join(connection.execute(_CHUNKS, {"flight": flight_id}).scalars())


def elements_of(connection: Connection, flight_id: int, at_rest: AtRest) -> tuple[Opened, ...]:
    """What is in it, in its order: a message of the bridge's own opened, a placeholder for each event."""
    aboard = connection.execute(_ABOARD, {"flight": flight_id})
    return tuple(Sealed(b"") if kind == "event" else open_element(at_rest, id_, body) for kind, id_, body in aboard)


def landed(connection: Connection, landings: Sequence[Landing]) -> None:
    """All that is in these flights has arrived, each entry at its index of the frame."""
    rows = [
        {"flight": each.flight_id, "at_topic": each.topic_id, "at_sequence": each.sequence, "at_ns": each.consensus_ns}
        for each in landings
    ]
    if rows:
        connection.execute(_LANDED, rows)
