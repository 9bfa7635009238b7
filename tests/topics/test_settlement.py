"""Every way that a transaction's fate can be found out, with a ledger and a mirror that say what the test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from topics.errors import ReceiptUnknown, Rejected, TransactionExpired, Unavailable
from topics.ledger.port import Receipt, Submission, TopicCreate, TopicInfo
from topics.mirror.answers import SubmitPage, TransactionOutcome
from topics.settlement import MARGIN_NS, NeverRan, Sources, settle
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
    """What a mirror knows of the id, how far it has imported, and what it lists of the payer."""

    results: tuple[str, ...] = ()
    imported_ns: int = PROVEN_NS
    listed: tuple[TransactionOutcome, ...] = ()
    more: bool = False

    async def transaction(self, transaction_id: TransactionId) -> list[TransactionOutcome]:
        return [TransactionOutcome(transaction_id, 1, result, TOPIC, 0) for result in self.results]

    async def latest_consensus_ns(self) -> int:
        return self.imported_ns

    async def history(self, payer: AccountId, *, from_ns: int) -> SubmitPage:
        assert payer == ID.payer
        rows = [row for row in self.listed if row.consensus_ns >= from_ns]
        return SubmitPage(rows, "/api/v1/x" if self.more else None)


@dataclass(slots=True)
class SaidIdle:
    """The proof for an idle payer."""

    proven: bool = False
    asked: int = 0
    then: Callable[[], None] = lambda: None

    async def __call__(self) -> bool:
        self.asked += 1
        self.then()
        return self.proven


def row(consensus_ns: int, *, id_: TransactionId | None = None, result: str = "SUCCESS") -> TransactionOutcome:
    """A transaction of the payer's as the mirror lists it; by default not ours."""
    return TransactionOutcome(id_ or TransactionId(ID.payer, consensus_ns - 1), consensus_ns, result, TOPIC, 0)


async def fate(
    ledger: SaidLedger, mirror: SaidMirror | None = None, *, now_ns: int = INSIDE_NS, idle: SaidIdle | None = None
) -> Receipt:
    sources = Sources(ledger, mirror or SaidMirror(), lambda: now_ns)
    return await settle(ID, ledger.send, window_end_ns=END_NS, sources=sources, idle=idle or SaidIdle())


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


async def unknown(mirror: SaidMirror, idle: SaidIdle | None = None) -> Receipt:
    return await fate(SaidLedger(ReceiptUnknown(ID)), mirror, now_ns=AFTER_NS, idle=idle)


async def test_absent_from_an_answer_that_shows_the_payer_past_the_window_it_never_ran() -> None:
    idle = SaidIdle()
    with pytest.raises(NeverRan):
        await unknown(SaidMirror(listed=(row(INSIDE_NS), row(PROVEN_NS))), idle)
    assert idle.asked == 0


async def test_absent_where_one_replica_is_asked_and_listed_by_another_it_ran() -> None:
    assert (await unknown(SaidMirror(listed=(row(INSIDE_NS, id_=ID), row(PROVEN_NS))))).status == "SUCCESS"


@pytest.mark.parametrize("imported_ns", [0, END_NS, END_NS + MARGIN_NS])
async def test_before_the_network_is_past_the_window_nothing_is_known(imported_ns: int) -> None:
    idle = SaidIdle(proven=True)
    with pytest.raises(Unavailable):
        await unknown(SaidMirror(imported_ns=imported_ns), idle)
    assert idle.asked == 0


@pytest.mark.parametrize("listed", [(), (row(INSIDE_NS),), (row(END_NS + MARGIN_NS),)])
async def test_a_replica_that_is_behind_proves_nothing(listed: tuple[TransactionOutcome, ...]) -> None:
    """Another one may well have said how far the network is."""
    with pytest.raises(Unavailable):
        await unknown(SaidMirror(listed=listed))


async def test_a_stranger_past_the_window_is_no_transaction_of_the_payer() -> None:
    stranger = TransactionId(AccountId(0, 0, 5), PROVEN_NS)
    with pytest.raises(Unavailable):
        await unknown(SaidMirror(listed=(row(PROVEN_NS, id_=stranger),)))


async def test_for_an_idle_payer_the_nodes_prove_it() -> None:
    with pytest.raises(NeverRan):
        await unknown(SaidMirror(), SaidIdle(proven=True))


async def test_an_idle_payer_gets_a_transaction_and_that_proves_it() -> None:
    mirror = SaidMirror()
    idle = SaidIdle(then=lambda: setattr(mirror, "listed", (row(PROVEN_NS),)))
    with pytest.raises(NeverRan):
        await unknown(mirror, idle)
    assert idle.asked == 1


async def test_an_idle_payer_is_marked_once_an_attempt() -> None:
    idle = SaidIdle()
    with pytest.raises(Unavailable):
        await unknown(SaidMirror(), idle)
    assert idle.asked == 1
