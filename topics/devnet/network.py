"""The network as a state machine: transactions go in, time moves on, records come out. It never reads a clock."""

from __future__ import annotations

from collections import deque

from topics.devnet.checks import precheck, solvent, window_closed
from topics.devnet.consensus_service import CREATE_TOPIC, SUBMIT_MESSAGE
from topics.devnet.crypto_service import CREATE_ACCOUNT, TRANSFER
from topics.devnet.envelope import Envelope, Refused, open_envelope
from topics.devnet.history import Entry, History
from topics.devnet.kinds import Kind, Outcome
from topics.devnet.mirror_index import MirrorIndex
from topics.devnet.record import Record
from topics.devnet.settings import DevnetSettings
from topics.devnet.state import FEE_COLLECTION, TREASURY, Account, State
from topics.ledger.hapi import basic_types, response_code, transaction
from topics.values import AccountId, TransactionId

RECEIPT_LIFETIME_S = 180

KINDS: dict[str, Kind] = {
    "consensusCreateTopic": CREATE_TOPIC,
    "consensusSubmitMessage": SUBMIT_MESSAGE,
    "cryptoCreateAccount": CREATE_ACCOUNT,
    "cryptoTransfer": TRANSFER,
}


class Network:
    """Nodes, ledger and mirror. Call `advance(now)` before asking anything: what is due by then has happened then."""

    def __init__(self, settings: DevnetSettings, *, genesis_ns: int) -> None:
        self.settings = settings
        self.state = State(rate=settings.exchange_rate, genesis_ns=genesis_ns)
        self.mirror = MirrorIndex(delay_ns=settings.mirror_delay_ns, genesis_ns=genesis_ns)
        self._history = History(settings.scaled_ns(RECEIPT_LIFETIME_S))
        self._waiting: deque[tuple[int, AccountId, Envelope]] = deque()
        self._last_consensus_ns = genesis_ns
        for account in self.state.accounts.values():
            self.mirror.open_account(account)

    def open_account(self, key: basic_types.Key, *, balance: int, now_ns: int) -> Account:
        """An account out of nothing, at once and without a transaction: for the start and for tests."""
        account = self.state.open_account(key, balance=balance, now_ns=now_ns)
        self.mirror.open_account(account)
        self.mirror.accounts[TREASURY].balance -= balance
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

    def take(self, node: AccountId, envelope: Envelope, now_ns: int) -> None:
        """Send a checked transaction on to consensus."""
        self._history.take(node, envelope.id)
        self._waiting.append((now_ns + self.settings.consensus_delay_ns, node, envelope))

    def known(self, node: AccountId, transaction_id: TransactionId) -> Entry | None:
        """What `node` can say about an id: None (never heard, or too long ago), waiting, or how it ended."""
        return self._history.at(node, transaction_id)

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due by now: consensus, the mirror's import, forgetting."""
        while self._waiting and self._waiting[0][0] <= now_ns:
            due_ns, node, envelope = self._waiting.popleft()
            self._last_consensus_ns = max(self._last_consensus_ns + 1, due_ns)
            record = self._run(node, envelope, self._last_consensus_ns)
            self._history.add(record)
            self.mirror.announce(record, due_ns)
        self._history.forget(now_ns)
        self.mirror.advance(now_ns)

    def _run(self, node: AccountId, envelope: Envelope, consensus_ns: int) -> Record:
        kind = KINDS[envelope.kind or ""]
        fee, outcome, status = kind.fee(envelope), Outcome(), response_code.SUCCESS
        rate, payer, tinycents = self.state.rate, envelope.payer, fee.total
        if window_closed(envelope, consensus_ns, self.settings):
            # The node let it in too late: that is the node's fault, and its bill.
            status, payer, tinycents = response_code.TRANSACTION_EXPIRED, node, fee.without_service().total
        elif self._history.ran(envelope.id):
            status, tinycents = response_code.DUPLICATE_TRANSACTION, fee.without_service().total
        # Others of the same payer may have run since the node looked.
        charged = min(rate.tinybar(tinycents), self.state.accounts[payer].balance)
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
        )

    def _split(self, payer: AccountId, node: AccountId, *, charged: int, node_share: int) -> dict[AccountId, int]:
        to_node = min(charged, node_share)
        return _together({payer: -charged}, {node: to_node}, {FEE_COLLECTION: charged - to_node})


def _together(*parts: dict[AccountId, int]) -> dict[AccountId, int]:
    total: dict[AccountId, int] = {}
    for part in parts:
        for account_id, amount in part.items():
            total[account_id] = total.get(account_id, 0) + amount
    return {account_id: amount for account_id, amount in total.items() if amount}
