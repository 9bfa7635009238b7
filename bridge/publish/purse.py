"""Says whether the next step fits into the budgets, and sets its estimated fee aside in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field

from sqlalchemy import Connection

from bridge.publish import costs
from bridge.publish.budgets import Bill, Budgets, Scope, Stop, first_stop, split_by
from bridge.publish.flights import Chunk
from bridge.publish.outbox import Entry
from topics.creator import Intent, TopicTerms
from topics.fees import ExchangeRate, Fee
from topics.ledger.estimates import create_estimate, submit_estimate
from topics.values import TopicId, TransactionId


@dataclass(frozen=True, slots=True)
class Step:
    """Transactions that go on disk together: a flight's, or a topic's creation.

    `fees` are their estimates; `shares` are the bytes that each API key has in them.
    """

    ref: str
    fees: Mapping[TransactionId, Fee]
    shares: Mapping[str, int]


_NO_TERMS = TopicTerms("", admin_key=False, auto_renew_s=0, max_fee_tinybar=0)


def _no_rate() -> ExchangeRate:
    raise RuntimeError("budgets need the exchange rate")


@dataclass(frozen=True, slots=True)
class Purse:
    """What may be spent, and the terms that fees are estimated by. Without budgets nothing is set aside."""

    budgets: Budgets = field(default_factory=Budgets)
    rate: Callable[[], ExchangeRate] = _no_rate
    now_ms: Callable[[], int] = int
    _: KW_ONLY
    max_fee_tinybar: int = 0
    terms: TopicTerms = _NO_TERMS

    def __bool__(self) -> bool:
        return bool(self.budgets)

    def stop(self, connection: Connection, step: Step) -> Stop | None:
        """Why the step must wait; None if it fits. Raises Unavailable while the exchange rate isn't known."""
        needed: dict[Bill, int] = {}
        for fee in step.fees.values():
            for bill, tinybar in self._amounts(step, fee).items():
                needed[bill] = needed.get(bill, 0) + tinybar
        limited = [bill for bill in needed if self.budgets.limit(bill)]
        return first_stop(self.budgets, needed, costs.committed(connection, limited))

    def reserve(self, connection: Connection, step: Step) -> None:
        """Set the estimates aside, each until its transaction is booked or spent."""
        for transaction_id, fee in step.fees.items():
            costs.reserve(connection, transaction_id, self._amounts(step, fee))

    def flight_fees(self, topic_id: TopicId, chunks: Sequence[Chunk]) -> dict[TransactionId, Fee]:
        """The estimate of each chunk."""
        return {
            chunk.id: submit_estimate(chunk.submission(topic_id, chunks[0].id, max_fee_tinybar=self.max_fee_tinybar))
            for chunk in chunks
        }

    def creation_fees(self, intent: Intent) -> dict[TransactionId, Fee]:
        """The estimate of a topic's creation."""
        return {intent.id: create_estimate(self.terms.creation(intent))}

    def _amounts(self, step: Step, fee: Fee) -> dict[Bill, int]:
        tinybar = self.rate().tinybar(fee.total)
        amounts = dict(zip(step.shares, split_by(tinybar, step.shares.values()), strict=True))
        return costs.bills(step.ref, amounts, at_ns=self.now_ms() * 1_000_000)


def shares_of(connection: Connection, boarding: Sequence[Entry]) -> dict[str, int]:
    """The bytes that each API key has among these entries, in the order in which the keys come."""
    keys = costs.keys_of(connection, [entry.id for entry in boarding])
    shares: dict[str, int] = {}
    for entry in boarding:
        shares[keys[entry.id]] = shares.get(keys[entry.id], 0) + entry.size
    return shares


def sponsor_alone(connection: Connection, ref: str) -> dict[str, int]:
    """What has no entries, a topic or its manifest, is on the bill of the API key that made the campaign known."""
    return {costs.sponsors_of(connection, [ref]).get(ref, costs.NOBODY): 1}


def ahead_of(connection: Connection, boarding: Sequence[Entry], stop: Stop) -> Sequence[Entry]:
    """The entries that stand before the first one whose API key is stopped; for another stop, none."""
    if stop.bill.scope is not Scope.KEY:
        return ()
    keys = costs.keys_of(connection, [entry.id for entry in boarding])
    first = next((place for place, entry in enumerate(boarding) if keys[entry.id] == stop.bill.name), 0)
    return boarding[:first]
