"""Brings one transaction, whose id is on disk, to its one outcome, whatever was lost on the way.

While its window is open the same id may be sent again and again: it executes once. Once the receipts are gone the
mirror decides. Only proof that the id never ran allows another id for the same message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from topics.absence import PayerHistory, seek
from topics.errors import ReceiptUnknown, TopicsError, TransactionExpired, Unavailable
from topics.ledger.port import Ledger, Receipt, TopicInfo
from topics.mirror.answers import TransactionOutcome
from topics.values import NANOS, TopicId, TransactionId

MARGIN_NS = 10 * NANOS
"""How far past the window's end what proves an absence must lie."""

DUPLICATE = "DUPLICATE_TRANSACTION"
LATE_BUSY = frozenset({"BUSY", "TRANSACTION_EXPIRED"})
"""Receipts that say that the transaction did not run and its id is spent."""


class NeverRan(TopicsError):
    """It is proven that the id did not reach consensus and can't any more: a new id may carry the message."""

    def __init__(self, transaction_id: TransactionId) -> None:
        self.transaction_id = transaction_id
        super().__init__(f"transaction {transaction_id} never ran")


class OutcomeSource(PayerHistory, Protocol):
    """What settlement asks of a mirror."""

    async def transaction(self, transaction_id: TransactionId) -> list[TransactionOutcome]:
        """Every entry of that id, none when it isn't known."""

    async def latest_consensus_ns(self) -> int:
        """How far the mirror has imported."""


class Witness(Protocol):
    """What the nodes can do for a proof when the payer is idle, so that no later transaction of its own shows."""

    async def topic_infos(self, topic_id: TopicId) -> Sequence[TopicInfo]:
        """The topic's state as different nodes have it now: two, or one where there is only one."""

    async def mark(self) -> None:
        """Give the payer a transaction: the smallest there is, a tinybar to a node. Raises Unavailable, Rejected."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Who is asked what became of a transaction."""

    ledger: Ledger
    mirror: OutcomeSource
    now_ns: Callable[[], int]


IdleProof = Callable[[], Awaitable[bool]]
"""Asked once the network is past the window and the mirror shows nothing of the payer behind it.

True: proven otherwise that the id never ran. False: not, but the payer has a transaction now, which will prove it.
"""


async def settle(
    transaction_id: TransactionId,
    send: Callable[[], Awaitable[None]],
    *,
    window_end_ns: int,
    sources: Sources,
    idle: IdleProof,
) -> Receipt:
    """Send while the window is open, then find out what consensus made of it.

    The receipt comes back whatever its status; `sequence` and `running_hash` are None where only the mirror knew.
    Raises Unavailable (ask again later), NeverRan, Rejected (a node refused it; an earlier copy may still have run).
    """
    if sources.now_ns() < window_end_ns:
        with suppress(TransactionExpired):  # an earlier copy may have run
            await send()
    try:
        receipt = await sources.ledger.receipt(transaction_id)
    except ReceiptUnknown:
        receipt = await _by_mirror(transaction_id, sources.mirror, past_ns=window_end_ns + MARGIN_NS, idle=idle)
    if receipt.status in LATE_BUSY:
        raise NeverRan(transaction_id)
    return receipt


async def _by_mirror(transaction_id: TransactionId, mirror: OutcomeSource, *, past_ns: int, idle: IdleProof) -> Receipt:
    outcomes = await mirror.transaction(transaction_id)
    if ran := _that_ran(outcomes):
        return ran
    # How far one replica is proves nothing about another's answer; it is only that before, nothing can be proven.
    if not outcomes and await mirror.latest_consensus_ns() > past_ns:
        for asked_idle in (False, True):
            seen = await seek(mirror, transaction_id, past_ns=past_ns)
            if ran := _that_ran(seen.outcomes):
                return ran
            if seen.absent or (not seen.outcomes and not asked_idle and await idle()):
                raise NeverRan(transaction_id)
    raise Unavailable("the mirror", f"it does not show enough to tell what became of {transaction_id}")


def _that_ran(outcomes: Iterable[TransactionOutcome]) -> Receipt | None:
    # A copy that a node should not have let in stands beside the one that ran, in any order.
    for outcome in sorted(outcomes, key=lambda outcome: outcome.result != "SUCCESS"):
        if outcome.result != DUPLICATE:
            return Receipt(outcome.result, outcome.topic_id)
    return None
