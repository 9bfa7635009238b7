"""Every transaction id that was ever drawn: on disk before it is used, until it is known what became of it.

Functions over the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

from sqlalchemy import Connection, Engine, and_, bindparam, func, insert, select, update

from bridge import settings
from bridge.errors import ReceiptContradicted
from bridge.publish import costs
from bridge.schema import transactions
from topics.creator import Intent
from topics.ledger.port import Receipt
from topics.values import AccountId, TransactionId


class TransactionState(StrEnum):
    """What became of an id."""

    INTENDED = "intended"  # on disk; perhaps sent
    SETTLED = "settled"  # it reached consensus, with success
    SPENT = "spent"  # it ran in vain or never will; another id carries the message


# Statements are made once: building one costs more than running it.
_IS = and_(transactions.c.payer == bindparam("of_payer"), transactions.c.valid_start_ns == bindparam("of_start"))


_RECORD = insert(transactions)
_RECORDED = select(transactions.c.valid_start_ns).where(_IS)


_SHOWN = select(transactions.c.valid_start_ns, transactions.c.sequence, transactions.c.running_hash).where(
    transactions.c.payer == bindparam("of_payer"),
    transactions.c.valid_start_ns.in_(bindparam("starts", expanding=True)),
    transactions.c.sequence.is_not(None),
)


_CLOSE = update(transactions).where(_IS).values(state=bindparam("outcome"), status=bindparam("said"))


_CLOSE_AND_PIN = _CLOSE.values(sequence=bindparam("at_sequence"), running_hash=bindparam("with_hash"))


def record_creation(connection: Connection, ref: str, intent: Intent) -> None:
    """Put the id under which a topic is to be created, or listed, on disk."""
    row = {
        "payer": str(intent.id.payer),
        "valid_start_ns": intent.id.valid_start_ns,
        "ref": ref,
        "number": 1,
        "total": 1,
        "valid_duration_s": intent.valid_duration_s,
        "state": TransactionState.INTENDED,
    }
    connection.execute(_RECORD, row)


def pending_creation(connection: Connection, ref: str) -> Intent | None:
    """What this ref's topic is being created under."""
    found = select(transactions.c.payer, transactions.c.valid_start_ns, transactions.c.valid_duration_s).where(
        transactions.c.ref == ref,
        transactions.c.flight_id.is_(None),
        transactions.c.state == TransactionState.INTENDED,
    )
    row = connection.execute(found).one_or_none()
    if row is None:
        return None
    return Intent(TransactionId(AccountId.parse(row.payer), row.valid_start_ns), row.valid_duration_s)


def settled(
    connection: Connection, receipts: Mapping[TransactionId, Receipt], *, read_up_to: Mapping[TransactionId, int] = {}
) -> dict[TransactionId, ReceiptContradicted]:
    """These ids reached consensus; what the receipts say pins what the mirror must show.

    Where the mirror showed the message first, that stays on record. Where it was another place, or the topic was read
    further (`read_up_to`) without the message having been seen, the contradiction comes back, and nothing is changed
    for that id.
    """
    shown = _shown(connection, receipts)
    rows, contradicted = [], {}
    for id_, receipt in receipts.items():
        sequence, running_hash = receipt.sequence, receipt.running_hash
        if id_ in shown and sequence is not None and shown[id_] != (sequence, running_hash):
            contradicted[id_] = _contradiction(id_, receipt, shown[id_][0])
            continue
        if id_ not in shown and sequence is not None and sequence <= read_up_to.get(id_, 0):
            topic_id = receipt.topic_id or "unknown"
            contradicted[id_] = ReceiptContradicted(topic_id, sequence, transaction_id=id_, what="the message")
            continue
        sequence, running_hash = shown.get(id_, (sequence, running_hash))
        outcome = {"outcome": TransactionState.SETTLED, "said": receipt.status}
        rows.append(_of(id_) | outcome | {"at_sequence": sequence, "with_hash": running_hash})
    if rows:
        connection.execute(_CLOSE_AND_PIN, rows)
    return contradicted


def spent(connection: Connection, transaction_id: TransactionId, status: str) -> None:
    """The id carried nothing to the ledger and won't."""
    connection.execute(_CLOSE, _of(transaction_id) | {"outcome": TransactionState.SPENT, "said": status})
    costs.release(connection, [transaction_id])


def last_valid_start_ns(connection: Connection, payer: AccountId) -> int:
    """The highest valid start that was ever recorded for this payer; in a store made anew, or may have been."""
    found = select(func.max(transactions.c.valid_start_ns)).where(transactions.c.payer == str(payer))
    recorded = int(connection.execute(found).scalar_one() or 0)
    return max(recorded, int(settings.found(connection, settings.IDS_BEGIN) or 0))


def is_recorded(engine: Engine, transaction_id: TransactionId) -> bool:
    """Whether the id was ever put on disk; by a connection of its own, so from any thread."""
    with engine.connect() as connection:
        return connection.execute(_RECORDED, _of(transaction_id)).one_or_none() is not None


def _shown(connection: Connection, ids: Collection[TransactionId]) -> dict[TransactionId, tuple[int, bytes]]:
    """Where the mirror showed the messages of these ids, as far as it did before their receipts came."""
    found: dict[TransactionId, tuple[int, bytes]] = {}
    for payer in {id_.payer for id_ in ids}:
        starts = [id_.valid_start_ns for id_ in ids if id_.payer == payer]
        for start_ns, sequence, running_hash in connection.execute(_SHOWN, {"of_payer": str(payer), "starts": starts}):
            found[TransactionId(payer, start_ns)] = (sequence, running_hash)
    return found


def _contradiction(transaction_id: TransactionId, receipt: Receipt, shown_sequence: int) -> ReceiptContradicted:
    same = shown_sequence == receipt.sequence
    what = "the running hash" if same else f"{receipt.sequence} is its place: it"
    return ReceiptContradicted(receipt.topic_id or "unknown", shown_sequence, transaction_id=transaction_id, what=what)


def _of(transaction_id: TransactionId) -> dict[str, object]:
    return {"of_payer": str(transaction_id.payer), "of_start": transaction_id.valid_start_ns}
