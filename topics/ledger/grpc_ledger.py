"""The ledger port over grpc.aio: hands transactions to nodes and asks them for receipts, balance, topic state."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topics.errors import ReceiptUnknown, Rejected, StartInFuture, TopicsError, TransactionExpired, Unavailable
from topics.ledger.codes import NOT_FOUND, PENDING, code_name
from topics.ledger.node_calls import AddressBook, NodeCalls
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Receipt, Submission, TopicCreate, TopicInfo
from topics.ledger.settings import LedgerSettings
from topics.ledger.transactions import (
    balance_query,
    create_transaction,
    payment_transaction,
    read_receipt,
    read_topic_info,
    receipt_query,
    submit_transaction,
    topic_info_query,
)
from topics.values import AccountId, TopicId, TransactionId

_MAX_TAKERS = 10_000
_MAX_WITNESSES_ASKED = 4


@dataclass(frozen=True, slots=True)
class Operator:
    """Who pays and signs. `payment_id` makes ids for query payments, never equal to one used elsewhere.

    `start_refused` is told of a valid start that a node calls the future, `start_expired` of one whose window it calls
    over.
    """

    account: AccountId
    key: OperatorKey
    payment_id: Callable[[], TransactionId]
    start_refused: Callable[[int], None] = lambda _: None
    start_expired: Callable[[int], None] = lambda _: None

    def judged(self, id: TransactionId, refusal: TopicsError) -> None:  # noqa: A002
        """A node has refused the transaction; where that is about its valid start, tell."""
        if isinstance(refusal, StartInFuture):
            self.start_refused(id.valid_start_ns)
        elif isinstance(refusal, TransactionExpired):
            self.start_expired(id.valid_start_ns)


class GrpcLedger:
    """A payer's way to the nodes (port: `topics.ledger.port.Ledger`). Holds channels, so `close()` it.

    `address_book` is asked when a node turns out to be another.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        operator: Operator,
        settings: LedgerSettings,
        address_book: AddressBook | None = None,
    ) -> None:
        self._operator = operator
        self._settings = settings
        self._calls = NodeCalls(nodes, settings, address_book)
        # Until consensus only the node that took a transaction knows it: ask that one first.
        self._takers: OrderedDict[TransactionId, Node] = OrderedDict()

    @property
    def payer(self) -> AccountId:
        """The account that pays."""
        return self._operator.account

    def node_failures(self) -> dict[AccountId, int]:
        """Consecutive failures of each node; 0 is healthy."""
        return self._calls.nodes.failures()

    @property
    def answers(self) -> Mapping[str, int]:
        """How often nodes answered with which precheck code, by its name in ResponseCodeEnum."""
        return self._calls.answers

    async def create_topic(self, transaction: TopicCreate) -> None:
        """See the port."""

        async def send(node: Node) -> Any:
            signed = create_transaction(transaction, node=node.account, key=self._operator.key)
            return await self._calls.call(node, self._calls.services(node).consensus.createTopic, signed)

        await self._hand_over(transaction.id, f"topic creation {transaction.id}", send)

    async def submit(self, transaction: Submission) -> None:
        """See the port."""

        async def send(node: Node) -> Any:
            signed = submit_transaction(transaction, node=node.account, key=self._operator.key)
            return await self._calls.call(node, self._calls.services(node).consensus.submitMessage, signed)

        await self._hand_over(transaction.id, f"message {transaction.id} to topic {transaction.topic_id}", send)

    async def receipt(self, id: TransactionId) -> Receipt:  # noqa: A002 - as in the port
        """See the port."""
        started = self._calls.now()
        while True:
            receipt = await self._calls.retry(lambda: self._ask_round(id))
            if receipt is not None and receipt.status not in PENDING:
                self._takers.pop(id, None)
                return receipt
            waited = self._calls.now() - started
            if receipt is None and waited >= self._settings.receipt_grace_s:
                raise ReceiptUnknown(id)
            if waited >= self._settings.receipt_timeout_s:
                raise Unavailable("the network", f"no consensus on transaction {id} after {waited:.0f} s")
            await asyncio.sleep(self._settings.receipt_poll_s)

    async def topic_info(self, topic_id: TopicId) -> TopicInfo:
        """See the port. Pays what the node asks, up to `max_query_fee_tinybar`."""
        _, info = await self._topic_info(topic_id)
        return info

    async def topic_infos(self, topic_id: TopicId) -> Sequence[TopicInfo]:
        """The topic as two different nodes have it (port: topics.settlement.Witness); a paid query each.

        Fewer where only one can be reached. Raises as `topic_info`.
        """
        by_node: dict[AccountId, TopicInfo] = {}
        for _ in range(_MAX_WITNESSES_ASKED):
            account, info = await self._topic_info(topic_id)
            by_node[account] = info
            if len(by_node) == min(2, len(self._calls.nodes)):
                break
        return list(by_node.values())

    async def mark(self) -> None:
        """A tinybar to a node, so that the payer has a transaction now (port: topics.settlement.Witness)."""
        operator, id_ = self._operator, self._operator.payment_id()

        async def send(node: Node) -> Any:
            signed = payment_transaction(id_, amount_tinybar=1, node=node.account, key=operator.key)
            return await self._calls.call(node, self._calls.services(node).crypto.cryptoTransfer, signed)

        await self._hand_over(id_, f"mark {id_}", send)

    async def _topic_info(self, topic_id: TopicId) -> tuple[AccountId, TopicInfo]:
        async def ask(node: Node) -> tuple[AccountId, TopicInfo]:
            cost: int = (await self._ask_topic(node, topic_id, payment=None)).header.cost
            if cost > self._settings.max_query_fee_tinybar:
                raise Rejected(f"query of topic {topic_id}", f"a price of {cost} tinybar, over the maximum")
            operator, payment_id = self._operator, self._operator.payment_id()
            payment = payment_transaction(payment_id, amount_tinybar=cost, node=node.account, key=operator.key)
            try:
                paid = await self._ask_topic(node, topic_id, payment=payment)
            except (StartInFuture, TransactionExpired) as refusal:
                operator.judged(payment_id, refusal)
                raise
            return node.account, read_topic_info(topic_id, paid.topicInfo, str(node))

        return await self._calls.reach(ask)

    async def balance(self) -> int:
        """See the port."""

        async def ask(node: Node) -> int:
            method = self._calls.services(node).crypto.cryptoGetBalance
            answer = await self._calls.ask(node, method, balance_query(self.payer), "cryptogetAccountBalance")
            status = code_name(answer.header.nodeTransactionPrecheckCode)
            self._calls.judge(node, f"query of account {self.payer}", status)
            return int(answer.balance)

        return await self._calls.reach(ask)

    async def close(self) -> None:
        """See the port."""
        await self._calls.close()

    async def _hand_over(self, id: TransactionId, what: str, send: Callable[[Node], Awaitable[Any]]) -> None:  # noqa: A002
        unanswered: list[Node] = []

        async def ask(node: Node) -> None:
            unanswered.append(node)
            answer = await send(node)
            unanswered.pop()
            try:
                self._calls.judge(node, what, code_name(answer.nodeTransactionPrecheckCode))
            except (Rejected, StartInFuture) as refusal:
                self._operator.judged(id, refusal)
                if not unanswered or isinstance(refusal, TransactionExpired):
                    raise
                # A node that gave no answer may have taken it, so this no isn't the outcome of the id.
                raise Unavailable(str(unanswered[-1]), f"no answer, and then {refusal}") from refusal
            self._remember(id, node)

        await self._calls.reach(ask)

    def _remember(self, id: TransactionId, taker: Node) -> None:  # noqa: A002
        self._takers[id] = taker
        if len(self._takers) > _MAX_TAKERS:
            self._takers.popitem(last=False)

    async def _ask_round(self, id: TransactionId) -> Receipt | None:  # noqa: A002
        """Ask node after node until one knows the id; None if none does. Raises Unavailable if none answers."""
        nodes, taker = self._calls.nodes, self._takers.get(id)
        asked, heard = set[AccountId](), False
        failure: Unavailable | None = None
        for _ in range(len(nodes)):
            node = taker if taker is not None and not asked else nodes.pick(self._calls.now(), avoid=asked)
            asked.add(node.account)
            try:
                receipt = await self._ask_receipt(node, id)
            except Unavailable as error:
                failure = error
                self._takers.pop(id, None)  # so that the next round doesn't start at a node that hangs
            else:
                if receipt.status != NOT_FOUND:
                    self._remember(id, node)
                    return receipt
                heard = True
            if not nodes.any_ready(self._calls.now(), avoid=asked):
                break
        if failure is not None and not heard:
            raise failure
        return None

    async def _ask_receipt(self, node: Node, id: TransactionId) -> Receipt:  # noqa: A002
        await self._calls.ready(node)
        method = self._calls.services(node).crypto.getTransactionReceipts
        answer = await self._calls.ask(node, method, receipt_query(id), "transactionGetReceipt")
        status = code_name(answer.header.nodeTransactionPrecheckCode)
        if status == NOT_FOUND:
            self._calls.nodes.answered(node)
            return Receipt(status)
        self._calls.judge(node, f"receipt query of {id}", status)
        return read_receipt(answer.receipt)

    async def _ask_topic(self, node: Node, topic_id: TopicId, *, payment: Any) -> Any:
        method = self._calls.services(node).consensus.getTopicInfo
        answer = await self._calls.ask(node, method, topic_info_query(topic_id, payment), "consensusGetTopicInfo")
        self._calls.judge(node, f"query of topic {topic_id}", code_name(answer.header.nodeTransactionPrecheckCode))
        return answer
