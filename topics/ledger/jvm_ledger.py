"""The ledger port through the PyPI package `hedera-sdk-py`: the Java SDK carries what this program builds and signs.

The SDK can't make one chunk with a given chunk info: a TopicMessageSubmitTransaction cuts the message itself and
numbers the chunks from its own first id, and a chunk read from bytes can't be signed before it is frozen, which numbers
it anew. One that was *signed* already it leaves as it is. So everything is built and signed here, byte for byte as for
the other adapter, and the SDK takes it from there: `Transaction.fromBytes(…).execute(…)`.

Paid queries (topic info) go by gRPC from here: the SDK ignores `setPaymentTransactionId` and pays under an id of its
own making, which could be one of ours; and it would have to be given the operator's key.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.hapi import basic_types, query, response, response_code, transaction, transaction_response
from topics.ledger.jvm_process import JvmProcess
from topics.ledger.jvm_wire import Answer, AskBalance, AskReceipt, Carry, NoAnswer, Reply, Target
from topics.ledger.node_calls import AddressBook, NodeCalls, NodeDown
from topics.ledger.nodes import Node
from topics.ledger.settings import LedgerSettings
from topics.ledger.transactions import account_id
from topics.networks import TLS_PORT

log = logging.getLogger(__name__)


class JvmLedger(GrpcLedger):
    """A payer's way to the nodes (port: `topics.ledger.port.Ledger`) through the Java SDK, in a process of its own.

    What an answer means, which node is next and when to give up is decided as by GrpcLedger. One thing can't be seen
    from here: a receipt that says BUSY (around a freeze) is pending to the SDK, and so ends as Unavailable.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        operator: Operator,
        settings: LedgerSettings,
        address_book: AddressBook | None = None,
    ) -> None:
        for node in nodes:
            if not is_reachable(node):
                log.warning("%s is left out: to the Java SDK, port %d is TLS and no other is", node, TLS_PORT)
        nodes = _reachable(nodes)
        book = None if address_book is None else partial(_reachable_in, address_book)
        super().__init__(nodes, operator=operator, settings=settings, address_book=book)
        self.process = JvmProcess()
        self._calls = _JvmCalls(nodes, settings, book, process=self.process)


class _JvmCalls(NodeCalls):
    """Node calls whose stubs lead to the SDK."""

    def __init__(
        self, nodes: Sequence[Node], settings: LedgerSettings, address_book: AddressBook | None, *, process: JvmProcess
    ) -> None:
        super().__init__(nodes, settings, address_book)
        self._process = process

    def services(self, node: Node) -> Any:
        return _Stubs(target_of(node), self._process, partial(self._topic_info, node))

    async def call(self, node: Node, method: Any, request: query.Query | transaction.Transaction) -> Any:
        try:
            return await super().call(node, method, request)
        except _Unheard as error:
            self.nodes.failed(node, self.now())
            raise NodeDown(str(node), str(error)) from error

    async def close(self) -> None:
        await super().close()
        await self._process.close()

    async def _topic_info(self, node: Node, asked: query.Query, *, timeout: float) -> Any:  # noqa: ASYNC109 - as gRPC's
        return await super().services(node).consensus.getTopicInfo(asked, timeout=timeout)


class _Unheard(Exception):
    """The SDK could not hear the node."""


class _Stubs:
    """What GrpcLedger calls of a node's services, by the names of the proto's methods."""

    def __init__(self, node: Target, process: JvmProcess, topic_info: Any) -> None:
        self._node = node
        self._process = process
        self.consensus = self.crypto = self
        self.getTopicInfo = topic_info
        self.createTopic = self.submitMessage = self.cryptoTransfer = self._carry

    async def _carry(self, signed: transaction.Transaction, *, timeout: float) -> Any:  # noqa: ASYNC109 - likewise
        packed = signed.SerializeToString()
        reply = await self._process.ask(lambda number: Carry(number, self._node, timeout, packed))
        return transaction_response.TransactionResponse(nodeTransactionPrecheckCode=_heard(reply)[0])

    async def getTransactionReceipts(self, asked: query.Query, *, timeout: float) -> Any:  # noqa: N802, ASYNC109 - as gRPC's stubs
        id_ = asked.transactionGetReceipt.transactionID
        payer, start = id_.accountID, id_.transactionValidStart
        text = f"{payer.shardNum}.{payer.realmNum}.{payer.accountNum}@{start.seconds}.{start.nanos:09d}"
        reply = await self._process.ask(lambda number: AskReceipt(number, self._node, timeout, text))
        code, body = _heard(reply)
        answer = response.Response()
        answer.transactionGetReceipt.header.nodeTransactionPrecheckCode = code
        answer.transactionGetReceipt.receipt.ParseFromString(body)
        return answer

    async def cryptoGetBalance(self, asked: query.Query, *, timeout: float) -> Any:  # noqa: N802, ASYNC109 - as gRPC's stubs
        account = asked.cryptogetAccountBalance.accountID
        text = f"{account.shardNum}.{account.realmNum}.{account.accountNum}"
        reply = await self._process.ask(lambda number: AskBalance(number, self._node, timeout, text))
        code, body = _heard(reply)
        answer = response.Response()
        answer.cryptogetAccountBalance.ParseFromString(body)
        answer.cryptogetAccountBalance.header.nodeTransactionPrecheckCode = code
        return answer


def _heard(reply: Reply) -> tuple[Any, bytes]:
    match reply:
        case Answer():
            return response_code.ResponseCodeEnum.Value(reply.status), reply.body
        case NoAnswer():
            raise _Unheard(reply.reason)


def is_reachable(node: Node) -> bool:
    """Whether the SDK would speak TLS exactly where it must: it decides by the port."""
    return (node.address.rpartition(":")[2] == str(TLS_PORT)) is node.tls


def _reachable(nodes: Sequence[Node]) -> Sequence[Node]:
    return [node for node in nodes if is_reachable(node)]


async def _reachable_in(address_book: AddressBook) -> Sequence[Node]:
    return _reachable(await address_book())


def target_of(node: Node) -> Target:
    """The node as the SDK is told of it."""
    if not node.tls:
        return Target(str(node.account), node.address)
    host, _, port = node.address.rpartition(":")
    try:
        endpoint = basic_types.ServiceEndpoint(ipAddressV4=IPv4Address(host).packed, port=int(port))
    except AddressValueError:
        endpoint = basic_types.ServiceEndpoint(domain_name=host, port=int(port))
    certificate_hash = node.certificate_hash.lower().removeprefix("0x").encode()
    entry = basic_types.NodeAddress(
        nodeAccountId=account_id(node.account), nodeCertHash=certificate_hash, serviceEndpoint=[endpoint]
    )
    book = basic_types.NodeAddressBook(nodeAddress=[entry]).SerializeToString()
    return Target(str(node.account), node.address, book)
