"""Holds what a verified mirror shows of a topic against our receipts and our own bytes.

The running hash has no key: a mirror that rewrites the end of a topic hash and all is caught only here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, RowMapping, bindparam, select, text, update

from bridge.errors import ReceiptContradicted
from bridge.publish.id_records import TransactionState
from bridge.schema import flights, positions, transactions
from topics.values import AccountId, TopicId, TopicMessage, TransactionId

# Made once: building a statement costs more than running it.
_OURS = (
    select(
        transactions.c.payer,
        transactions.c.valid_start_ns,
        transactions.c.flight_id,
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


def recognise(connection: Connection, messages: Sequence[TopicMessage], *, last_frame: int) -> dict[int, int]:
    """Which of these messages are ours, byte for byte: sequence number → flight.

    `messages` are verified and of one topic; `last_frame` is the newest producer sequence opened before them. Where a
    receipt has pinned a message, sequence number, running hash and bytes must be what is shown; where none has come
    yet, what is shown is kept for it. Bytes of ours that weren't opened yet stand where the receipt says, or nowhere.
    Raises ReceiptContradicted.
    """
    if not messages:
        return {}
    shown = {message.sequence: message for message in messages}
    # Of bytes that stand there twice, as only a mirror of somebody else's making shows them, the first counts.
    by_bytes = {(message.payer, message.message): message for message in reversed(messages)}
    ours: dict[int, int] = {}
    for row in _transactions(connection, messages[0].topic_id, last_frame, last_frame + len(messages)):
        if (message := shown.get(row["sequence"])) is not None:
            _hold_against(row, message)
        elif (message := by_bytes.get((AccountId.parse(row["payer"]), row["message"]))) is None:
            continue
        elif row["sequence"] is None:
            _keep(connection, row, message)
        elif row["producer_sequence"] > last_frame:
            raise _contradiction(row, message, f"{row['sequence']} is the message's place: it")
        else:  # opened before; here is somebody's copy
            continue
        ours[message.sequence] = row["flight_id"]
    return ours


def read_up_to(connection: Connection, topic_ids: Collection[TopicId]) -> dict[TopicId, int]:
    """Up to which sequence number each topic was read; what is ours there, and was on disk, has been recognised."""
    rows = connection.execute(_READ, {"some": [str(topic_id) for topic_id in topic_ids]})
    return {TopicId.parse(topic_id): sequence for topic_id, sequence in rows}


def _transactions(connection: Connection, topic_id: TopicId, first: int, last: int) -> Sequence[RowMapping]:
    """Every chunk that is on the ledger or may be, of the flights that these messages can belong to."""
    return connection.execute(_OURS, {"topic": str(topic_id), "first": first, "last": last}).mappings().all()


def _hold_against(row: RowMapping, message: TopicMessage) -> None:
    for what, shown, pinned in (
        ("the running hash", message.running_hash, row["running_hash"]),
        ("the message", message.message, row["message"]),
        ("the payer", str(message.payer), row["payer"]),
    ):
        if shown != pinned:
            raise _contradiction(row, message, what)


def _contradiction(row: RowMapping, message: TopicMessage, what: str) -> ReceiptContradicted:
    id_ = TransactionId(AccountId.parse(row["payer"]), row["valid_start_ns"])
    return ReceiptContradicted(message.topic_id, message.sequence, transaction_id=id_, what=what)


def _keep(connection: Connection, row: RowMapping, message: TopicMessage) -> None:
    place = {"at_sequence": message.sequence, "with_hash": message.running_hash}
    connection.execute(_PIN, {"of_payer": row["payer"], "of_start": row["valid_start_ns"]} | place)
