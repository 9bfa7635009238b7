"""Every way that a transaction's fate can be found out, with a ledger and a mirror that say what the test wants."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from topics.errors import ReceiptUnknown, Rejected, TransactionExpired, Unavailable
from topics.ledger.port import Receipt, Submission, TopicCreate, TopicInfo
from topics.mirror.answers import TransactionOutcome
from topics.settlement import MARGIN_NS, NeverRan, settle
from topics.values import NANOS, AccountId, TopicId, TransactionId

ID = TransactionId(AccountId(0, 0, 1001), 1_000 * NANOS)
END_NS = ID.valid_start_ns + 120 * NANOS
INSIDE_NS, AFTER_NS = END_NS - 1, END_NS
PROVEN_NS = END_NS + MARGIN_NS + 1
SUCCESS = Receipt("SUCCESS", None, 5, b"h" * 48)
TOPIC = TopicId(0, 0, 7)


@dataclass(slots=True)
class SaidLedger:
    """A ledger port that says what it is told to."""

    said: Receipt | Exception
    on_send: Exception | None = None
    sent: int = 0
    payer: AccountId = ID.payer

    async def create_topic(self, transaction: TopicCreate) -> None:
        raise NotImplementedError

    async def submit(self, transaction: Submission) -> None:
        raise NotImplementedError

    async def send(self) -> None:
        self.sent += 1
        if self.on_send is not None:
            raise self.on_send

    async def receipt(self, id: TransactionId) -> Receipt:  # noqa: A002 - as in the port
        assert id == ID
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    async def topic_info(self, topic_id: TopicId) -> TopicInfo:
        raise NotImplementedError

    async def balance(self) -> int:
        raise NotImplementedError

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class SaidMirror:
    """What a mirror knows of the id, and how far it has imported."""

    results: tuple[str, ...] = ()
    imported_ns: int = PROVEN_NS
    asked: list[str] = field(default_factory=list)

    async def transaction(self, transaction_id: TransactionId) -> list[TransactionOutcome]:
        self.asked.append("transaction")
        return [TransactionOutcome(transaction_id, 1, result, TOPIC, 0) for result in self.results]

    async def latest_consensus_ns(self) -> int:
        self.asked.append("latest")
        return self.imported_ns


async def fate(ledger: SaidLedger, mirror: SaidMirror | None = None, *, now_ns: int = INSIDE_NS) -> Receipt:
    source = mirror or SaidMirror()
    return await settle(ID, ledger.send, window_end_ns=END_NS, ledger=ledger, mirror=source, now_ns=lambda: now_ns)


async def test_sent_while_the_window_is_open_and_settled_by_receipt() -> None:
    ledger = SaidLedger(SUCCESS)
    assert await fate(ledger) == SUCCESS
    assert ledger.sent == 1


async def test_not_sent_once_the_window_is_over() -> None:
    ledger = SaidLedger(SUCCESS)
    assert await fate(ledger, now_ns=AFTER_NS) == SUCCESS
    assert ledger.sent == 0


async def test_a_refusal_by_consensus_comes_back_as_a_receipt() -> None:
    assert (await fate(SaidLedger(Receipt("INVALID_SIGNATURE")))).status == "INVALID_SIGNATURE"


async def test_expired_at_precheck_an_earlier_copy_may_have_run() -> None:
    assert await fate(SaidLedger(SUCCESS, on_send=TransactionExpired("x", "TRANSACTION_EXPIRED"))) == SUCCESS


@pytest.mark.parametrize("error", [Unavailable("node", "gone"), Rejected("x", "INSUFFICIENT_TX_FEE")])
async def test_what_the_node_says_of_sending_comes_out(error: Exception) -> None:
    with pytest.raises(type(error)):
        await fate(SaidLedger(SUCCESS, on_send=error))


async def test_a_receipt_that_nobody_can_tell_now() -> None:
    with pytest.raises(Unavailable):
        await fate(SaidLedger(Unavailable("the network", "pending")))


@pytest.mark.parametrize("status", ["BUSY", "TRANSACTION_EXPIRED"])
async def test_receipts_that_spend_the_id_in_vain(status: str) -> None:
    with pytest.raises(NeverRan):
        await fate(SaidLedger(Receipt(status)))


async def test_without_a_receipt_the_mirror_tells() -> None:
    found = await fate(SaidLedger(ReceiptUnknown(ID)), SaidMirror(("SUCCESS",)), now_ns=AFTER_NS)
    assert found == Receipt("SUCCESS", TOPIC)


@pytest.mark.parametrize(
    "results",
    [
        ("DUPLICATE_TRANSACTION", "SUCCESS"),
        ("SUCCESS", "DUPLICATE_TRANSACTION"),
        ("TRANSACTION_EXPIRED", "SUCCESS"),
        ("SUCCESS", "TRANSACTION_EXPIRED"),
        ("INVALID_NODE_ACCOUNT", "SUCCESS", "DUPLICATE_TRANSACTION"),
    ],
)
async def test_a_copy_that_failed_does_not_hide_the_one_that_ran(results: tuple[str, ...]) -> None:
    found = await fate(SaidLedger(ReceiptUnknown(ID)), SaidMirror(results), now_ns=AFTER_NS)
    assert found.status == "SUCCESS"


async def test_duplicates_alone_prove_nothing_yet() -> None:
    """They say that the id ran; the run itself is only not imported."""
    with pytest.raises(Unavailable):
        await fate(SaidLedger(ReceiptUnknown(ID)), SaidMirror(("DUPLICATE_TRANSACTION",)), now_ns=AFTER_NS)


async def test_absent_from_a_mirror_that_is_past_the_window_it_never_ran() -> None:
    mirror = SaidMirror()
    with pytest.raises(NeverRan):
        await fate(SaidLedger(ReceiptUnknown(ID)), mirror, now_ns=AFTER_NS)
    assert mirror.asked == ["latest", "transaction"]  # the other order would miss what is imported in between


@pytest.mark.parametrize("imported_ns", [0, END_NS, END_NS + MARGIN_NS])
async def test_absent_from_a_mirror_that_may_still_import_it_nothing_is_known(imported_ns: int) -> None:
    with pytest.raises(Unavailable):
        await fate(SaidLedger(ReceiptUnknown(ID)), SaidMirror(imported_ns=imported_ns), now_ns=AFTER_NS)
