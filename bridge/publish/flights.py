"""Flights and their transactions on disk: what is sent, under which ids, and what consensus made of it.

A flight is one sealed frame (producer sequence from 1) or a topic's manifest (producer sequence 0), split into
chunks; each chunk has its transaction id on record before its first byte leaves. Functions over the caller's
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, bindparam, func, insert, select, text, update

from bridge.publish.id_records import TransactionState
from bridge.schema import flights, topics, transactions
from topics.ledger.port import Submission
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

MANIFEST = 0
"""The producer sequence that stands for the manifest, which carries none."""


class FlightState(StrEnum):
    """How far a flight is."""

    OPEN = "open"  # on disk; perhaps sent, not settled
    SUBMITTED = "submitted"  # every chunk has reached consensus
    REFUSED = "refused"  # nothing of it reached consensus, and nothing will


@dataclass(frozen=True, slots=True)
class Chunk:
    """One transaction of a flight: chunk `number` of `total`, from 1."""

    id: TransactionId
    number: int
    total: int
    message: bytes
    valid_duration_s: int
    state: TransactionState

    def submission(self, topic_id: TopicId, first: TransactionId, *, max_fee_tinybar: int) -> Submission:
        """The transaction that carries it; `first` is the id under which chunk 1 goes, or went."""
        info = None if self.total == 1 else ChunkInfo(first, self.number, self.total)
        return Submission(self.id, topic_id, self.message, info, self.valid_duration_s, max_fee_tinybar)


@dataclass(frozen=True, slots=True)
class Draft:
    """A flight that isn't on disk yet."""

    ref: str
    topic_id: TopicId
    producer_sequence: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Flight:
    """A flight that isn't settled, with the chunks in the order in which they go."""

    id: int
    ref: str
    topic_id: TopicId
    producer_sequence: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Newest:
    """A topic's last flight; one that is still open comes before any other."""

    id: int
    producer_sequence: int
    state: FlightState


# Statements are made once: building one costs more than running it.
_other = flights.alias("other")
_LAST = (
    select(_other.c.id)
    .where(_other.c.topic_id == topics.c.topic_id, text("other.state != 'refused'"))  # in the words of the index
    .order_by(_other.c.producer_sequence.desc())
    .limit(1)
    .scalar_subquery()
)
_NEWEST = (
    select(topics.c.ref, flights.c.id, flights.c.producer_sequence, flights.c.state)
    .join_from(topics, flights, flights.c.id == _LAST)
    .where(topics.c.ref.in_(bindparam("refs", expanding=True)))
)
_CHUNKS = (
    select(transactions)
    .where(transactions.c.flight_id == bindparam("flight"), transactions.c.state != TransactionState.SPENT)
    .order_by(transactions.c.number)
)
_RECORD = insert(flights).returning(flights.c.id, sort_by_parameter_order=True)
_RECORD_CHUNK = insert(transactions)
_SPEND = (
    update(transactions)
    .where(transactions.c.flight_id == bindparam("flight"), transactions.c.state == TransactionState.INTENDED)
    .values(state=TransactionState.SPENT, status="FORGOTTEN")
)
_FINISH = update(flights).where(flights.c.id == bindparam("flight")).values(state=bindparam("outcome"))


def newest(connection: Connection, refs: Sequence[str]) -> dict[str, Newest]:
    """The flight that was put on its way to each campaign's topic last; none where there was not even a manifest."""
    rows = connection.execute(_NEWEST, {"refs": refs})
    return {ref: Newest(id_, sequence, FlightState(state)) for ref, id_, sequence, state in rows}


def left_open(connection: Connection, ref: str, topic_id: TopicId, left: Newest) -> Flight:
    """An open flight, with those of its chunks that count, as it is on disk."""
    chunks = tuple(_chunk(row) for row in connection.execute(_CHUNKS, {"flight": left.id}).mappings())
    return Flight(left.id, ref, topic_id, left.producer_sequence, chunks)


def refs_open(connection: Connection) -> list[str]:
    """The campaigns that have a flight to finish."""
    return list(connection.execute(select(flights.c.ref).where(flights.c.state == FlightState.OPEN)).scalars())


def record(connection: Connection, drafts: Sequence[Draft], *, now_ms: int) -> list[Flight]:
    """Put flights on disk, each chunk under its id, which no other transaction has: the constraint says so."""
    if not drafts:
        return []
    rows = [
        {
            "ref": draft.ref,
            "topic_id": str(draft.topic_id),
            "producer_sequence": draft.producer_sequence,
            "state": FlightState.OPEN,
            "opened_ms": now_ms,
        }
        for draft in drafts
    ]
    ids = connection.execute(_RECORD, rows).scalars()
    made = [
        Flight(id_, draft.ref, draft.topic_id, draft.producer_sequence, draft.chunks)
        for id_, draft in zip(ids, drafts, strict=True)
    ]
    if chunks := [row for flight in made for row in _rows(flight, flight.chunks)]:
        connection.execute(_RECORD_CHUNK, chunks)
    return made


def replace_chunk(connection: Connection, flight: Flight, fresh: Chunk) -> None:
    """Put another id on disk for one of a flight's messages, whose own is spent."""
    connection.execute(_RECORD_CHUNK, _rows(flight, [fresh]))


def finish(connection: Connection, flight_ids: Sequence[int], state: FlightState) -> None:
    """The flights are settled, or refused."""
    if flight_ids:
        connection.execute(_FINISH, [{"flight": id_, "outcome": state} for id_ in flight_ids])


def stand_behind(connection: Connection, ref: str, topic_id: TopicId, producer_sequence: int, *, now_ms: int) -> None:
    """A topic was read anew up to this producer sequence, with little or no record of how it came there: go on behind.

    A flight that is open in a copy from before is among what was read, or never will be.
    """
    left = select(flights.c.id, flights.c.producer_sequence).where(
        flights.c.ref == ref, flights.c.state == FlightState.OPEN
    )
    for flight_id, sequence in connection.execute(left).all():
        finish(connection, [flight_id], FlightState.SUBMITTED if sequence <= producer_sequence else FlightState.REFUSED)
        connection.execute(_SPEND, {"flight": flight_id})
    last = newest(connection, [ref]).get(ref)
    if last is None or last.producer_sequence < producer_sequence:
        row = {"ref": ref, "topic_id": str(topic_id), "producer_sequence": producer_sequence}
        connection.execute(insert(flights), row | {"state": FlightState.SUBMITTED, "opened_ms": now_ms})


def last_sequence(connection: Connection, flight: Flight) -> int | None:
    """The highest sequence number in its topic that is known to be taken by a message of ours that is settled.

    Receipts tell it; where only the mirror told the outcome, so many messages at least are there as we settled.
    None where a chunk of this flight could stand unseen among those that settled beside it: the number of one isn't
    known, or theirs leave a gap, or don't end the topic.
    """
    settled = transactions.c.state == TransactionState.SETTLED
    sequence = transactions.c.sequence
    in_topic = (
        select(func.count(), func.max(sequence))
        .join(flights, flights.c.id == transactions.c.flight_id)
        .where(flights.c.topic_id == str(flight.topic_id), settled)
    )
    count, highest = connection.execute(in_topic).one()
    last = max(int(count), int(highest or 0))
    numbers = list(connection.execute(select(sequence).where(transactions.c.flight_id == flight.id, settled)).scalars())
    known = sorted(number for number in numbers if number is not None)
    if numbers and known != list(range(last - len(numbers) + 1, last + 1)):
        return None
    return last


def _rows(flight: Flight, chunks: Sequence[Chunk]) -> list[dict[str, object]]:
    return [
        {
            "payer": str(chunk.id.payer),
            "valid_start_ns": chunk.id.valid_start_ns,
            "ref": flight.ref,
            "flight_id": flight.id,
            "number": chunk.number,
            "total": chunk.total,
            "message": chunk.message,
            "valid_duration_s": chunk.valid_duration_s,
            "state": chunk.state,
        }
        for chunk in chunks
    ]


def _chunk(row: RowMapping) -> Chunk:
    return Chunk(
        TransactionId(AccountId.parse(row["payer"]), row["valid_start_ns"]),
        row["number"],
        row["total"],
        row["message"],
        row["valid_duration_s"],
        TransactionState(row["state"]),
    )
