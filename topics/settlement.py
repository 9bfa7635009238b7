"""Brings one transaction, whose id is on disk, to its one outcome, whatever was lost on the way.

While its window is open the same id may be sent again and again: it executes once. Once the receipts are gone the
mirror decides. Only its proof that the id never ran allows another id for the same message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from topics.errors import ReceiptUnknown, TopicsError, TransactionExpired, Unavailable
from topics.ledger.port import Ledger, Receipt
from topics.mirror.answers import TransactionOutcome
from topics.values import NANOS, TransactionId

MARGIN_NS = 10 * NANOS
"""How far past the window's end the mirror's newest data must be before an absent id counts as never run."""

DUPLICATE = "DUPLICATE_TRANSACTION"
LATE_BUSY = frozenset({"BUSY", "TRANSACTION_EXPIRED"})
"""Receipts that say that the transaction did not run and its id is spent."""


class NeverRan(TopicsError):
    """It is proven that the id did not reach consensus and can't any more: a new id may carry the message."""

    def __init__(self, transaction_id: TransactionId) -> None:
        self.transaction_id = transaction_id
        super().__init__(f"transaction {transaction_id} never ran")


class OutcomeSource(Protocol):
    """What settlement asks of a mirror."""

    async def transaction(self, transaction_id: TransactionId) -> list[TransactionOutcome]:
        """Every entry of that id, none when it isn't known."""

    async def latest_consensus_ns(self) -> int:
        """How far the mirror has imported."""


async def settle(
    transaction_id: TransactionId,
    send: Callable[[], Awaitable[None]],
    *,
    window_end_ns: int,
    ledger: Ledger,
    mirror: OutcomeSource,
    now_ns: Callable[[], int],
) -> Receipt:
    """Send while the window is open, then find out what consensus made of it.

    The receipt comes back whatever its status; `sequence` and `running_hash` are None where only the mirror knew.
    Raises Unavailable (ask again later), NeverRan, Rejected (a node refused it; an earlier copy may still have run).
    """
    if now_ns() < window_end_ns:
        with suppress(TransactionExpired):  # an earlier copy may have run
            await send()
    try:
        receipt = await ledger.receipt(transaction_id)
    except ReceiptUnknown:
        receipt = await _by_mirror(transaction_id, mirror, window_end_ns=window_end_ns)
    if receipt.status in LATE_BUSY:
        raise NeverRan(transaction_id)
    return receipt


async def _by_mirror(transaction_id: TransactionId, mirror: OutcomeSource, *, window_end_ns: int) -> Receipt:
    # Read in this order: what is imported between the two calls can only make the answer more cautious.
    imported_to = await mirror.latest_consensus_ns()
    outcomes = await mirror.transaction(transaction_id)
    # A copy that a node should not have let in stands beside the one that ran, in any order.
    for outcome in sorted(outcomes, key=lambda outcome: outcome.result != "SUCCESS"):
        if outcome.result != DUPLICATE:
            return Receipt(outcome.result, outcome.topic_id)
    if not outcomes and imported_to > window_end_ns + MARGIN_NS:
        raise NeverRan(transaction_id)
    raise Unavailable("the mirror", f"it has not imported far enough to tell what became of {transaction_id}")
