"""What can go wrong between us and the Hedera Consensus Service, typed by what happens next.

TopicsError
├── Unavailable            the remote did not answer, or not for good: the same call again, later
├── Rejected               the network said no and will say it again
│   └── TransactionExpired the window closed before consensus; what became of the id must be found out
├── ReceiptUnknown         no node knows the transaction id (any more): the mirror decides
├── MalformedAnswer        a mirror or a node answered something that the protocol has no place for
└── IntegrityError         what the mirror shows can't be this topic's truth: halt the topic, loudly
    ├── SequenceGap
    └── RunningHashMismatch
"""

from __future__ import annotations


class TopicsError(Exception):
    """Root of this package's errors. `hint`, where there is one, says what to do."""

    hint: str = ""


class Unavailable(TopicsError):
    """The remote couldn't be reached or was busy. Nothing is known about the outcome; retry with back-off."""

    def __init__(self, remote: str, reason: str, *, retry_after_s: float | None = None) -> None:
        self.remote = remote
        self.reason = reason
        self.retry_after_s = retry_after_s
        super().__init__(f"{remote} is unavailable: {reason}")


class Rejected(TopicsError):
    """The network refused the transaction with `status`, a name of the proto's ResponseCodeEnum."""

    def __init__(self, what: str, status: str) -> None:
        self.what = what
        self.status = status
        super().__init__(f"{what} was refused with {status}")


class TransactionExpired(Rejected):
    """Precheck found the valid window closed. The id may still have run earlier: settle it first."""


class ReceiptUnknown(TopicsError):
    """No node keeps a receipt for this id: it never arrived, or its 180 s are over."""

    def __init__(self, transaction_id: object) -> None:
        self.transaction_id = transaction_id
        super().__init__(f"no node knows a receipt for transaction {transaction_id}")


class MalformedAnswer(TopicsError):
    """The remote's answer breaks its own protocol; `reason` names the field and what stood there."""

    def __init__(self, remote: str, reason: str) -> None:
        self.remote = remote
        self.reason = reason
        super().__init__(f"{remote} gave a malformed answer: {reason}")


class IntegrityError(TopicsError):
    """The message can't follow the position that was verified last. The verifier's state is unchanged."""

    hint = "compare with another mirror, then decide with `hcs-bridge topic show`"

    def __init__(self, topic_id: object, sequence: int, text: str) -> None:
        self.topic_id = topic_id
        self.sequence = sequence
        super().__init__(f"topic {topic_id}: {text}")


class SequenceGap(IntegrityError):
    """A message is missing, repeated or out of order."""

    def __init__(self, topic_id: object, *, expected: int, got: int) -> None:
        self.expected = expected
        self.got = got
        super().__init__(topic_id, got, f"expected sequence number {expected}, got {got}")


class RunningHashMismatch(IntegrityError):
    """The running hash that the mirror shows is not the one that the message leads to."""

    def __init__(self, topic_id: object, sequence: int, *, expected: bytes, got: bytes) -> None:
        self.expected = expected
        self.got = got
        super().__init__(
            topic_id,
            sequence,
            f"running hash of sequence number {sequence} is {got.hex()[:16]}…, computed {expected.hex()[:16]}…",
        )
