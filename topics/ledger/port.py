"""What the rest of the program asks of the ledger, whichever client carries it there.

Every call raises `Unavailable` when nothing is known about the outcome: the same call, with the same transaction
id, is safe later. Transaction ids come from the caller, who has them on disk before the first byte is sent.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Protocol

from topics.values import AccountId, ChunkInfo, TopicId, TransactionId


@dataclass(frozen=True, slots=True)
class TopicCreate:
    """A topic to be made. Keys are the payer's own, or none (no admin key: nobody can change the topic again)."""

    id: TransactionId
    memo: str
    _: KW_ONLY
    submit_key: bool = True
    admin_key: bool = False
    valid_duration_s: int = 120
    max_fee_tinybar: int
    auto_renew_s: int


@dataclass(frozen=True, slots=True)
class Submission:
    """One HCS message, or one chunk of one: at most 1024 bytes."""

    id: TransactionId
    topic_id: TopicId
    message: bytes
    chunk: ChunkInfo | None
    valid_duration_s: int
    max_fee_tinybar: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What consensus made of a transaction.

    `status` is a name of ResponseCodeEnum, "SUCCESS" among them; the others are None where they don't apply.
    """

    status: str
    topic_id: TopicId | None = None
    sequence: int | None = None
    running_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic as a consensus node holds it now; `running_hash` stands behind message `sequence`."""

    topic_id: TopicId
    memo: str
    sequence: int
    running_hash: bytes


class Ledger(Protocol):
    """One payer's way to the consensus nodes."""

    @property
    def payer(self) -> AccountId:
        """The account that pays, and whose key signs."""

    async def create_topic(self, transaction: TopicCreate) -> None:
        """Hand the transaction to a node; comes back when one took it, now or earlier. Then ask for the receipt.

        Raises Unavailable, Rejected (a permanent no at precheck), TransactionExpired. A no says nothing of an
        earlier call with the same id that was Unavailable: that one may still execute, so settle the id first.
        """

    async def submit(self, transaction: Submission) -> None:
        """Hand the message to a node, as `create_topic` does."""

    async def receipt(self, id: TransactionId) -> Receipt:  # noqa: A002 - it is what the whole API calls it
        """Wait for consensus; a final status comes back even when it isn't SUCCESS.

        Raises Unavailable (nobody answers, or consensus is still pending: ask again), ReceiptUnknown (no node
        that answers knows the id).
        """

    async def topic_info(self, topic_id: TopicId) -> TopicInfo:
        """The topic's state; a paid query. Raises Unavailable, Rejected."""

    async def balance(self) -> int:
        """The payer's tinybar. Raises Unavailable, Rejected."""

    async def close(self) -> None:
        """Close the channels."""
