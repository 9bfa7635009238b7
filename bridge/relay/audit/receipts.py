"""Holds what is shown against the receipts that nodes gave us, and against what the relay has read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, RowMapping, Select, func, select, text

from bridge.protocol.channels import channel_epoch
from bridge.relay.audit.looking import ReadOnly
from bridge.relay.audit.verdict import Counts, Refuted
from bridge.relay.tail import Progress
from bridge.schema import flights, transactions
from topics.values import AccountId, TopicId, TopicMessage, TransactionId

AT_ONCE = 500
SETTLED = "settled"  # a receipt came, or the mirror told in its place (bridge.publish.id_records)
_Statement = TypeVar("_Statement", bound=Select)  # type: ignore[type-arg] # of whatever columns

_PINNED = select(
    flights.c.producer_sequence,
    transactions.c.number,
    transactions.c.payer,
    transactions.c.valid_start_ns,
    transactions.c.message,
    transactions.c.sequence,
    transactions.c.running_hash,
).join_from(flights, transactions, flights.c.id == transactions.c.flight_id)
_NEWEST = select(func.max(transactions.c.sequence)).join_from(
    flights, transactions, flights.c.id == transactions.c.flight_id
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a node told of a transaction of ours, which carried chunk `chunk` of frame `frame` (0: the manifest).

    `message` are the bytes that were sent; None where only the receipt was kept.
    """

    frame: int
    chunk: int
    transaction_id: TransactionId
    sequence: int
    running_hash: bytes
    message: bytes | None = None


class Receipts:
    """Holds a place among a topic's `receipts`, which come in the order of the frames.

    `newest` is the last sequence number that must be shown: a receipt says so, or the relay has `read` it; 0: none.
    """

    def __init__(
        self, topic_id: TopicId, receipts: Iterator[Receipt], *, newest: int = 0, read: Progress | None = None
    ) -> None:
        self.newest = newest
        self._topic_id = topic_id
        self._read = read or Progress()
        self._all = receipts
        self._next = next(receipts, None)

    def hold(self, messages: Sequence[TopicMessage], counts: Counts) -> None:
        """Hold the messages that follow against them. Raises Refuted at the first that differs."""
        shown = {message.sequence: message for message in messages}
        while self._next is not None and self._next.sequence <= messages[-1].sequence:
            receipt, self._next = self._next, next(self._all, None)
            message = shown.get(receipt.sequence)
            if message is None:  # its page went by: the flight before it has a later place
                what, got = f"receipt of frame {receipt.frame}", "a place before that of an earlier frame's"
                raise self._refuted(receipt.sequence, what, expected="the order of frames", got=got)
            self._hold(receipt, message)
            counts.receipts += 1
        self._hold_progress(shown)

    def _hold(self, receipt: Receipt, message: TopicMessage) -> None:
        for what, pinned, shown in (
            ("running hash", receipt.running_hash, message.running_hash),
            ("payer", receipt.transaction_id.payer, message.payer),
            ("message", receipt.message, message.message),
        ):
            if pinned is not None and pinned != shown:
                raise self._refuted(message.sequence, f"{what} against our receipt", expected=pinned, got=shown)

    def _hold_progress(self, shown: dict[int, TopicMessage]) -> None:
        resume, epoch = self._read.resume, self._read.channel_epoch
        if (last := shown.get(resume.sequence)) is not None and last.running_hash != resume.running_hash:
            what = "running hash against what the relay read"
            raise self._refuted(resume.sequence, what, expected=resume.running_hash, got=last.running_hash)
        if epoch is not None and (begin := shown.get(1)) is not None:
            found = channel_epoch(self._topic_id, begin.running_hash)
            if found != epoch:
                raise self._refuted(1, "channel epoch against what the relay read", expected=epoch, got=found)

    def _refuted(self, sequence: int, what: str, *, expected: object, got: object) -> Refuted:
        return Refuted(self._topic_id, sequence, what, expected=expected, got=got)


def newest(database: ReadOnly, topic_id: TopicId) -> int:
    """The last sequence number that a receipt of ours names; 0: none."""
    return int(database.read(lambda c: c.execute(_settled(_NEWEST, topic_id)).scalar_one()) or 0)


def recorded(database: ReadOnly, topic_id: TopicId, *, first: int = 1) -> Iterator[Receipt]:
    """Our receipts in the order of the frames, without those of messages before `first`. Raises Unavailable."""
    after = (-1, 0)
    while True:
        rows = database.read(lambda c: _behind(c, topic_id, after))  # noqa: B023 # read at once
        yield from (_receipt(row) for row in rows if row["sequence"] >= first)
        if len(rows) < AT_ONCE:
            return
        after = (rows[-1]["producer_sequence"], rows[-1]["number"])


def _receipt(row: RowMapping) -> Receipt:
    transaction_id = TransactionId(AccountId.parse(row["payer"]), row["valid_start_ns"])
    place = (row["producer_sequence"], row["number"])
    return Receipt(*place, transaction_id, row["sequence"], row["running_hash"], row["message"] or b"")


def _behind(connection: Connection, topic_id: TopicId, after: tuple[int, int]) -> Sequence[RowMapping]:
    frame, number = after
    found = _settled(_PINNED, topic_id).where(
        flights.c.producer_sequence >= frame,
        (flights.c.producer_sequence > frame) | (transactions.c.number > number),
    )
    in_order = found.order_by(flights.c.producer_sequence, transactions.c.number)
    return connection.execute(in_order.limit(AT_ONCE)).mappings().all()


def _settled(statement: _Statement, topic_id: TopicId) -> _Statement:
    return statement.where(
        flights.c.topic_id == str(topic_id),
        text("flights.state != 'refused'"),  # in the words of the index, which serves no others
        transactions.c.state == SETTLED,
        transactions.c.sequence.is_not(None),
        transactions.c.running_hash.is_not(None),
    )
