"""Whether one node serves, by the question that the bridge asks most, and that costs nothing: for a receipt."""

from __future__ import annotations

from topics.errors import Unavailable
from topics.ledger.codes import Verdict, code_name, verdict
from topics.ledger.node_calls import NodeCalls
from topics.ledger.nodes import Node
from topics.ledger.transactions import receipt_query
from topics.values import AccountId, TransactionId

NEVER_NS = 1
"""A valid start in 1970, which no transaction of anybody's has: that it isn't known is the right answer."""
_SICK = (Verdict.BUSY, Verdict.ELSEWHERE, Verdict.MOVED)


async def probe(calls: NodeCalls, node: Node, payer: AccountId) -> None:
    """Ask the node for a receipt that isn't there; over TLS it must show the certificate of the address book.

    Raises Unavailable that says what it answered instead, MalformedAnswer.
    """
    await calls.ready(node)
    query = receipt_query(TransactionId(payer, NEVER_NS))
    method = calls.services(node).crypto.getTransactionReceipts
    answer = await calls.ask(node, method, query, "transactionGetReceipt")
    status = code_name(answer.header.nodeTransactionPrecheckCode)
    if verdict(status) in _SICK:
        raise Unavailable(str(node), status)
