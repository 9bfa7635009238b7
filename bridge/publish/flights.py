"""Flights and their transactions on disk: what is sent, under which ids, and what consensus made of it.

A flight is one sealed frame (producer sequence from 1) or a topic's manifest (producer sequence 0), split into
chunks; each chunk has its transaction id on record before its first byte leaves. Functions over the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, func, insert, select, update

from bridge.errors import ReceiptContradicted
from bridge.publish import costs
from bridge.schema import flights, transactions
from topics.creator import Intent
from topics.ledger.port import Receipt
from topics.values import AccountId, TopicId, TransactionId

_PINNED = select(transactions.c.sequence, transactions.c.running_hash)
MANIFEST = 0
"""The producer sequence that stands for the manifest, which carries none."""


class FlightState(StrEnum):
    """How far a flight is."""

    OPEN = "open"  # on disk; perhaps sent, not settled
    SUBMITTED = "submitted"  # every chunk has reached consensus
    REFUSED = "refused"  # nothing of it reached consensus, and nothing will


class TransactionState(StrEnum):
    """What became of an id."""

    INTENDED = "intended"  # on disk; perhaps sent
    SETTLED = "settled"  # it reached consensus, with success
    SPENT = "spent"  # it ran in vain or never will; another id carries the message


@dataclass(frozen=True, slots=True)
class Chunk:
    """One transaction of a flight: chunk `number` of `total`, from 1."""

    id: TransactionId
    number: int
    total: int
    message: bytes
    valid_duration_s: int
    state: TransactionState


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight that isn't settled, with the chunks in the order in which they go."""

    id: int
    ref: str
    topic_id: TopicId
    producer_sequence: int
    chunks: tuple[Chunk, ...]


def open_flight(connection: Connection, ref: str) -> Flight | None:
    """The flight of this campaign that a restart has to finish first."""
    row = (
        connection.execute(select(flights).where(flights.c.ref == ref, flights.c.state == FlightState.OPEN))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    found = connection.execute(
        select(transactions)
        .where(transactions.c.flight_id == row["id"], transactions.c.state != TransactionState.SPENT)
        .order_by(transactions.c.number)
    ).mappings()
    chunks = tuple(_chunk(chunk) for chunk in found)
    return Flight(row["id"], ref, TopicId.parse(row["topic_id"]), row["producer_sequence"], chunks)


def refs_open(connection: Connection) -> list[str]:
    """The campaigns that have a flight to finish."""
    return list(connection.execute(select(flights.c.ref).where(flights.c.state == FlightState.OPEN)).scalars())


def next_producer_sequence(connection: Connection, topic_id: TopicId) -> int:
    """One past the last frame that was put on its way to this topic."""
    last = connection.execute(
        select(func.max(flights.c.producer_sequence)).where(
            flights.c.topic_id == str(topic_id), flights.c.state != FlightState.REFUSED
        )
    ).scalar_one()
    return 1 if last is None else int(last) + 1


def record(
    connection: Connection,
    ref: str,
    topic_id: TopicId,
    *,
    producer_sequence: int,
    now_ms: int,
) -> int:
    """Put a flight on disk; its number comes back. Its chunks follow in the same transaction."""
    row = {
        "ref": ref,
        "topic_id": str(topic_id),
        "producer_sequence": producer_sequence,
        "state": FlightState.OPEN,
        "opened_ms": now_ms,
    }
    [flight_id] = connection.execute(insert(flights).values(row)).inserted_primary_key or [0]
    return int(flight_id)


def record_chunks(connection: Connection, flight_id: int, ref: str, chunks: Sequence[Chunk]) -> None:
    """Put chunks on disk under their ids, which no other transaction has: the constraint says so."""
    rows = [
        {
            "payer": str(chunk.id.payer),
            "valid_start_ns": chunk.id.valid_start_ns,
            "ref": ref,
            "flight_id": flight_id,
            "number": chunk.number,
            "total": chunk.total,
            "message": chunk.message,
            "valid_duration_s": chunk.valid_duration_s,
            "state": chunk.state,
        }
        for chunk in chunks
    ]
    connection.execute(insert(transactions), rows)


def record_creation(connection: Connection, ref: str, intent: Intent) -> None:
    """Put the id under which a topic is to be created on disk."""
    row = {
        "payer": str(intent.id.payer),
        "valid_start_ns": intent.id.valid_start_ns,
        "ref": ref,
        "number": 1,
        "total": 1,
        "valid_duration_s": intent.valid_duration_s,
        "state": TransactionState.INTENDED,
    }
    connection.execute(insert(transactions).values(row))


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


def settled(connection: Connection, transaction_id: TransactionId, receipt: Receipt) -> None:
    """The id reached consensus; what the receipt says pins what the mirror must show.

    Where the mirror showed the message first, that stays on record; raises ReceiptContradicted if it was another place.
    """
    shown = connection.execute(_PINNED.where(_is(transaction_id))).one_or_none()
    if shown is not None and shown.sequence is not None:
        if receipt.sequence is not None and tuple(shown) != (receipt.sequence, receipt.running_hash):
            what = "the running hash" if shown.sequence == receipt.sequence else f"{receipt.sequence} is its place: it"
            raise ReceiptContradicted(
                receipt.topic_id or "unknown", shown.sequence, transaction_id=transaction_id, what=what
            )
        receipt = replace(receipt, sequence=shown.sequence, running_hash=shown.running_hash)
    _close(connection, transaction_id, TransactionState.SETTLED, receipt)


def spent(connection: Connection, transaction_id: TransactionId, status: str) -> None:
    """The id carried nothing to the ledger and won't."""
    _close(connection, transaction_id, TransactionState.SPENT, Receipt(status))
    costs.release(connection, [transaction_id])


def finish(connection: Connection, flight_id: int, state: FlightState) -> None:
    """The flight is settled, or refused."""
    connection.execute(update(flights).where(flights.c.id == flight_id).values(state=state))


def last_valid_start_ns(connection: Connection, payer: AccountId) -> int:
    """The highest valid start that was ever recorded for this payer."""
    found = select(func.max(transactions.c.valid_start_ns)).where(transactions.c.payer == str(payer))
    return int(connection.execute(found).scalar_one() or 0)


def is_recorded(engine: Engine, transaction_id: TransactionId) -> bool:
    """Whether the id was ever put on disk; by a connection of its own, so from any thread."""
    with engine.connect() as connection:
        return connection.execute(_PINNED.where(_is(transaction_id))).one_or_none() is not None


def last_sequence(connection: Connection, topic_id: TopicId) -> int:
    """The highest sequence number in this topic that is known to be taken by a message of ours that is settled.

    Receipts tell it; where only the mirror told the outcome, so many messages at least are there as we settled.
    """
    found = (
        select(func.count(), func.max(transactions.c.sequence))
        .join(flights, flights.c.id == transactions.c.flight_id)
        .where(flights.c.topic_id == str(topic_id), transactions.c.state == TransactionState.SETTLED)
    )
    settled_count, highest = connection.execute(found).one()
    return max(int(settled_count), int(highest or 0))


def _close(connection: Connection, transaction_id: TransactionId, state: TransactionState, receipt: Receipt) -> None:
    connection.execute(
        update(transactions)
        .where(_is(transaction_id))
        .values(state=state, status=receipt.status, sequence=receipt.sequence, running_hash=receipt.running_hash)
    )


def _is(transaction_id: TransactionId) -> ColumnElement[bool]:
    return and_(
        transactions.c.payer == str(transaction_id.payer),
        transactions.c.valid_start_ns == transaction_id.valid_start_ns,
    )


def _chunk(row: RowMapping) -> Chunk:
    return Chunk(
        TransactionId(AccountId.parse(row["payer"]), row["valid_start_ns"]),
        row["number"],
        row["total"],
        row["message"],
        row["valid_duration_s"],
        TransactionState(row["state"]),
    )
