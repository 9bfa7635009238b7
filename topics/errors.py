"""What can go wrong between us and the Hedera Consensus Service, typed by what happens next.

TopicsError
├── Unavailable            the remote did not answer, or not for good: the same call again, later
│   ├── NoSecondMirror     nobody to compare a mirror with: the others are distrusted, or there are none
│   └── StartInFuture      no node can have it yet: by the network's clock, its valid start is still to come
├── Rejected               the network said no and will say it again
│   └── TransactionExpired the window closed before consensus; what became of the id must be found out
├── ReceiptUnknown         no node knows the transaction id (any more): the mirror decides
├── MalformedAnswer        a mirror or a node answered something that the protocol has no place for
└── IntegrityError         what the mirror shows can't be this topic's truth: halt the topic, loudly
    ├── SequenceGap
    ├── RunningHashMismatch
    └── MirrorsDisagree    two mirrors show different messages at the same place
"""

from __future__ import annotations

HINTS = {
    "INSUFFICIENT_PAYER_BALANCE": "fund the operator's account",
    "INSUFFICIENT_TX_FEE": "the network asks for more than ledger.max_fee_hbar or ledger.create_max_fee_hbar allow",
    "INVALID_SIGNATURE": "operator.key_file isn't operator.account's key on this network: put the right one there; "
    "`hcs-bridge doctor` shows which. Only a network that was reset, as a devnet started anew, wants a new database",
    "INVALID_TOPIC_ID": "the network doesn't know the topic (any more): was it reset, or is this another network?",
    "TRANSACTION_EXPIRED": "this machine's clock may be behind the network's: see `hcs-bridge doctor`",
    "PAYER_ACCOUNT_NOT_FOUND": "operator.account doesn't exist on this network",
}
"""What an operator does about a refusal that is not about what was sent."""


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


class NoSecondMirror(Unavailable):
    """None that is trusted with the topic stands beside the mirror at `source`."""

    def __init__(self, source: str) -> None:
        super().__init__("a second mirror", f"mirror.urls names none beside {source} that is trusted with the topic")


class StartInFuture(Unavailable):
    """Precheck calls the valid start the future, and nobody was asked before who gave no answer.

    The same id will be taken later; an id that was never sent before may be given up for one with an earlier start.
    """

    hint = "this machine's clock may be ahead of the network's: see `hcs-bridge doctor`"


class Rejected(TopicsError):
    """The network refused the transaction with `status`, a name of the proto's ResponseCodeEnum."""

    def __init__(self, what: str, status: str) -> None:
        self.what = what
        self.status = status
        self.hint = HINTS.get(status, "")
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

    hint = "`hcs-bridge topic show` tells what stands against it; compare with another mirror"

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


class MirrorsDisagree(IntegrityError):
    """A second mirror shows the message with another `what` (a field of TopicMessage): one of them is wrong."""

    hint = "compare both with the receipts (`hcs-bridge verify`) and take the wrong mirror out of mirror.urls"

    def __init__(self, topic_id: object, sequence: int, *, what: str, expected: object, got: object) -> None:
        self.what = what
        self.expected = expected
        self.got = got
        shown = f"{_show(expected)}, a second mirror {_show(got)}"
        super().__init__(topic_id, sequence, f"{what} of sequence number {sequence} is {shown}")


def _show(value: object) -> str:
    return f"{value.hex()[:16]}…" if isinstance(value, bytes) else str(value)
