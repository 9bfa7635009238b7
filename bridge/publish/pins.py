"""Holds what a verified mirror shows of a topic against our receipts and our own bytes.

The running hash has no key: a mirror that rewrites the end of a topic hash and all is caught only here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, select, text, update

from bridge.errors import ReceiptContradicted
from bridge.publish.id_records import TransactionState
from bridge.schema import flights, positions, transactions
from topics.values import AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

# Made once: building a statement costs more than running it.
_OURS = (
    select(
        transactions.c.payer,
        transactions.c.valid_start_ns,
        transactions.c.flight_id,
        transactions.c.number,
        transactions.c.total,
        transactions.c.message,
        transactions.c.sequence,
        transactions.c.running_hash,
        flights.c.producer_sequence,
    )
    .join_from(flights, transactions, flights.c.id == transactions.c.flight_id)
    .where(
        flights.c.topic_id == bindparam("topic"),
        flights.c.producer_sequence.between(bindparam("first"), bindparam("last")),
        text("flights.state != 'refused'"),  # in the words of the index, which serves no others
        transactions.c.state != TransactionState.SPENT,
    )
)
_PIN = (
    update(transactions)
    .where(transactions.c.payer == bindparam("of_payer"), transactions.c.valid_start_ns == bindparam("of_start"))
    .values(sequence=bindparam("at_sequence"), running_hash=bindparam("with_hash"))
)
_READ = select(positions.c.topic_id, positions.c.sequence).where(
    positions.c.topic_id.in_(bindparam("some", expanding=True))
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """The messages that are ours, byte for byte: sequence number → flight. No receipt has pinned the `unpinned` yet."""

    flights: dict[int, int] = field(default_factory=dict)
    unpinned: list[dict[str, object]] = field(default_factory=list)


def pin(connection: Connection, messages: Sequence[TopicMessage], *, last_frame: int) -> dict[int, int]:
    """As `recognise`; what is shown is kept for receipts that are still to come. Needs a writing transaction."""
    found = recognise(connection, messages, last_frame=last_frame)
    if found.unpinned:
        connection.execute(_PIN, found.unpinned)
    return found.flights


def recognise(connection: Connection, messages: Sequence[TopicMessage], *, last_frame: int) -> Recognised:
    """Which of these messages are ours.

    `messages` are verified and of one topic; `last_frame` is the newest producer sequence opened before them. Where a
    receipt has pinned a message, sequence number, running hash and bytes must be what is shown. Bytes of ours that
    weren't opened yet stand where the receipt says, or nowhere. Raises ReceiptContradicted.
    """
    if not messages:
        return Recognised()
    shown = {message.sequence: message for message in messages}
    # Of bytes that stand there twice, as only a mirror of somebody else's making shows them, the first counts.
    by_bytes = {(str(message.payer), message.message): message for message in reversed(messages)}
    ours = Recognised()
    rows = _transactions(connection, messages[0].topic_id, last_frame, last_frame + len(messages))
    begun = {row.flight_id: row.valid_start_ns for row in rows if row.number == 1}
    for row in rows:
        if (message := shown.get(row.sequence)) is not None:
            _hold_against(row, message)
        elif (message := by_bytes.get((row.payer, row.message))) is None:
            continue
        elif row.sequence is None:
            ours.unpinned.append(_place(row, message))
        elif row.producer_sequence > last_frame:
            raise _contradiction(row, message, f"{row.sequence} is the message's place: it")
        else:  # opened before; here is somebody's copy
            continue
        if not _is_chunk(row, message.chunk, begun.get(row.flight_id)):  # the running hash doesn't cover it
            raise _contradiction(row, message, "the chunk info")
        ours.flights[message.sequence] = row.flight_id
    return ours


def read_up_to(connection: Connection, topic_ids: Collection[TopicId]) -> dict[TopicId, int]:
    """Up to which sequence number each topic was read; what is ours there, and was on disk, has been recognised."""
    rows = connection.execute(_READ, {"some": [str(topic_id) for topic_id in topic_ids]})
    return {TopicId.parse(topic_id): sequence for topic_id, sequence in rows}


def _transactions(connection: Connection, topic_id: TopicId, first: int, last: int) -> Sequence[Any]:
    """Rows of _OURS: every chunk that is or may be on the ledger, of the flights that these messages can belong to."""
    return connection.execute(_OURS, {"topic": str(topic_id), "first": first, "last": last}).all()


def _hold_against(row: Any, message: TopicMessage) -> None:
    for what, shown, pinned in (
        ("the running hash", message.running_hash, row.running_hash),
        ("the message", message.message, row.message),
        ("the payer", str(message.payer), row.payer),
    ):
        if shown != pinned:
            raise _contradiction(row, message, what)


def _is_chunk(row: Any, shown: ChunkInfo | None, first_start_ns: int | None) -> bool:
    if row.total == 1:
        return shown is None or (shown.number, shown.total) == (1, 1)
    return (
        shown is not None
        and (shown.number, shown.total) == (row.number, row.total)
        and (str(shown.initial.payer), shown.initial.valid_start_ns) == (row.payer, first_start_ns)
    )


def _contradiction(row: Any, message: TopicMessage, what: str) -> ReceiptContradicted:
    id_ = TransactionId(AccountId.parse(row.payer), row.valid_start_ns)
    return ReceiptContradicted(message.topic_id, message.sequence, transaction_id=id_, what=what)


def _place(row: Any, message: TopicMessage) -> dict[str, object]:
    place = {"at_sequence": message.sequence, "with_hash": message.running_hash}
    return {"of_payer": row.payer, "of_start": row.valid_start_ns} | place
