"""The network as a state machine: transactions go in, time moves on, records come out. It never reads a clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random

from topics.devnet.checks import precheck, solvent, window_closed
from topics.devnet.consensus_service import CREATE_TOPIC, SUBMIT_MESSAGE
from topics.devnet.crypto_service import CREATE_ACCOUNT, TRANSFER
from topics.devnet.envelope import Envelope, Refused, open_envelope
from topics.devnet.history import Entry, History
from topics.devnet.journal import Journal, Opened, Ran, Taken
from topics.devnet.kinds import Kind, Outcome
from topics.devnet.mirror_index import MirrorIndex
from topics.devnet.record import Record
from topics.devnet.settings import DevnetSettings
from topics.devnet.state import FEE_COLLECTION, TREASURY, Account, State
from topics.devnet.topic_changes import DELETE, UPDATE
from topics.fees import Fee
from topics.ledger.hapi import basic_types, response_code, transaction
from topics.values import AccountId, TransactionId

RECEIPT_LIFETIME_S = 180

KINDS: dict[str, Kind] = {
    "consensusCreateTopic": CREATE_TOPIC,
    "consensusUpdateTopic": UPDATE,
    "consensusDeleteTopic": DELETE,
    "consensusSubmitMessage": SUBMIT_MESSAGE,
    "cryptoCreateAccount": CREATE_ACCOUNT,
    "cryptoTransfer": TRANSFER,
}


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A transaction between a node's yes and consensus at `due_ns`, which it ends with BUSY if `busy`.

    In order of time, and of the same time as they came (`number`).
    """

    due_ns: int
    number: int
    node: AccountId = field(compare=False)
    envelope: Envelope = field(compare=False)
    busy: bool = field(compare=False)


class Network:
    """Nodes, ledger and mirror. Call `advance(now)` before asking anything: what is due by then has happened then.

    With a `journal` everything that happens is on file when `advance` returns, so before anybody is told of it.
    """

    def __init__(self, settings: DevnetSettings, *, genesis_ns: int) -> None:
        self.settings = settings
        self.journal: Journal | None = None
        self.state = State(rate=settings.exchange_rate, genesis_ns=genesis_ns)
        self.mirror = MirrorIndex(delay_ns=settings.mirror_delay_ns, genesis_ns=genesis_ns)
        self._history = History(settings.scaled_ns(RECEIPT_LIFETIME_S))
        self._waiting: list[Waiting] = []  # a heap
        self._taken = 0
        self._random = Random(0)  # noqa: S311 # the same delays each time
        self._last_consensus_ns = genesis_ns
        for account in self.state.accounts.values():
            self.mirror.open_account(account)

    def open_account(self, key: basic_types.Key, *, balance: int, now_ns: int) -> Account:
        """An account out of nothing, at once and without a transaction: for the start and for tests."""
        account = self.state.open_account(key, balance=balance, now_ns=now_ns)
        self.mirror.open_account(account)
        self.mirror.accounts[TREASURY].balance -= balance
        if self.journal is not None:
            self.journal.add(Opened(key.SerializeToString(), balance, now_ns))
            self.journal.flush()
        return account

    def ingest(self, node: AccountId, request: transaction.Transaction, now_ns: int) -> Envelope:
        """What a node does with a transaction that a client sent: take it, or raise Refused with the precheck code."""
        envelope = open_envelope(request)
        self.check(node, envelope, now_ns)
        self.take(node, envelope, now_ns)
        return envelope

    def check(self, node: AccountId, envelope: Envelope, now_ns: int) -> None:
        """The checks of a node before it takes a transaction. Raises Refused; nothing has changed either way."""
        kind = KINDS.get(envelope.kind or "")
        known = self._history.at(node, envelope.id) is not None
        kind = precheck(envelope, kind, node=node, now_ns=now_ns, settings=self.settings, known=known)
        solvent(self.state, envelope, kind.fee(envelope))

    def take(self, node: AccountId, envelope: Envelope, now_ns: int, *, busy: bool = False) -> None:
        """Send a checked transaction on to consensus."""
        due_ns = now_ns + self.settings.consensus_delay_ns + self._random.randint(0, self.settings.consensus_jitter_ns)
        self.wait(node, envelope, due_ns=due_ns, busy=busy)
        if self.journal is not None:
            self.journal.add(Taken(due_ns, node.num, busy, envelope.request.SerializeToString()))

    def wait(self, node: AccountId, envelope: Envelope, *, due_ns: int, busy: bool) -> None:
        """Let a transaction that `node` took wait for consensus."""
        self._history.take(node, envelope.id)
        self._taken += 1
        heappush(self._waiting, Waiting(due_ns, self._taken, node, envelope, busy))

    def next_waiting(self) -> Envelope | None:
        """What reaches consensus next."""
        return self._waiting[0].envelope if self._waiting else None

    def known(self, node: AccountId, transaction_id: TransactionId) -> Entry | None:
        """What `node` can say about an id: None (never heard, or too long ago), waiting, or how it ended."""
        return self._history.at(node, transaction_id)

    def next_ns(self) -> int | None:
        """When something happens next: a consensus, or an import by the mirror. None: nothing is on its way."""
        coming = [] if not self._waiting else [self._waiting[0].due_ns]
        if (imported_ns := self.mirror.next_ns()) is not None:
            coming.append(imported_ns)
        return min(coming, default=None)

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due by now: consensus, the mirror's import, forgetting."""
        while self._waiting and self._waiting[0].due_ns <= now_ns:
            waiting = self._waiting[0]
            consensus_ns = max(self._last_consensus_ns + 1, waiting.due_ns)
            verdict = self._verdict(waiting, consensus_ns)
            record = self.settle(consensus_ns, verdict)
            if self.journal is not None:
                self.journal.add(Ran(consensus_ns, verdict, record.status))
        self._history.forget(now_ns)
        self.mirror.advance(now_ns)
        if self.journal is not None:
            self.journal.flush()

    def settle(self, consensus_ns: int, verdict: response_code.ResponseCodeEnum) -> Record:
        """Let what is due first reach consensus; it runs if `verdict` is SUCCESS."""
        waiting = heappop(self._waiting)
        self._last_consensus_ns = consensus_ns
        record = self._run(waiting, consensus_ns, verdict)
        self._history.add(record)
        self.mirror.announce(record, waiting.due_ns)
        return record

    def _verdict(self, waiting: Waiting, consensus_ns: int) -> response_code.ResponseCodeEnum:
        if waiting.busy:
            return response_code.BUSY
        if window_closed(waiting.envelope, consensus_ns, self.settings):
            return response_code.TRANSACTION_EXPIRED
        if self._history.ran(waiting.envelope.id):
            return response_code.DUPLICATE_TRANSACTION
        return response_code.SUCCESS

    def _run(self, waiting: Waiting, consensus_ns: int, status: response_code.ResponseCodeEnum) -> Record:
        node, envelope = waiting.node, waiting.envelope
        kind, rate, outcome = KINDS[envelope.kind or ""], self.state.rate, Outcome()
        fee = kind.fee(envelope)
        payer, due = _bill(status, fee, payer=envelope.payer, node=node)
        # Others of the same payer may have run since the node looked.
        charged = min(rate.tinybar(due), self.state.accounts[payer].balance)
        if status == response_code.SUCCESS and charged < rate.tinybar(fee.total):
            status = response_code.INSUFFICIENT_PAYER_BALANCE
        fees = self._split(payer, node, charged=charged, node_share=rate.tinybar(fee.node))
        self.state.move(fees)
        if status == response_code.SUCCESS:
            try:
                outcome = kind.handle(self.state, envelope, consensus_ns)
            except Refused as refusal:
                status = refusal.status
        return Record(
            id=envelope.id,
            node=node,
            type=kind.type,
            status=status,
            consensus_ns=consensus_ns,
            memo=envelope.body.memo,
            max_fee=envelope.body.transactionFee,
            charged=charged if payer == envelope.payer else 0,
            valid_duration_s=envelope.body.transactionValidDuration.seconds,
            hash=envelope.hash,
            transfers=_together(fees, outcome.transfers),
            entity=outcome.entity or kind.about(envelope),
            message=outcome.message,
            created=outcome.created,
            changed=outcome.changed,
        )

    def _split(self, payer: AccountId, node: AccountId, *, charged: int, node_share: int) -> dict[AccountId, int]:
        to_node = min(charged, node_share)
        return _together({payer: -charged}, {node: to_node}, {FEE_COLLECTION: charged - to_node})


def _bill(
    verdict: response_code.ResponseCodeEnum, fee: Fee, *, payer: AccountId, node: AccountId
) -> tuple[AccountId, int]:
    """Who pays, and how many tinycents."""
    if verdict == response_code.TRANSACTION_EXPIRED:
        # The node let it in too late: that is the node's fault, and its bill.
        return node, fee.without_service().total
    if verdict == response_code.DUPLICATE_TRANSACTION:
        return payer, fee.without_service().total
    return payer, 0 if verdict == response_code.BUSY else fee.total


def _together(*parts: dict[AccountId, int]) -> dict[AccountId, int]:
    total: dict[AccountId, int] = {}
    for part in parts:
        for account_id, amount in part.items():
            total[account_id] = total.get(account_id, 0) + amount
    return {account_id: amount for account_id, amount in total.items() if amount}
