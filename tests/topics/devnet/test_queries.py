"""Free answers, paid answers, and what a payment must be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.topics.devnet.ground import FIRST, SECOND, Ground, signed
from tests.topics.devnet.refusals import status
from tests.topics.devnet.test_crypto_service import KEY
from topics.devnet import protos
from topics.devnet.envelope import name_of
from topics.devnet.queries import Queries
from topics.fees import QUERY
from topics.ledger.hapi import (
    basic_types,
    get_account_info,
    get_balance,
    get_receipt,
    get_record,
    get_topic_info,
    get_version_info,
    query,
    query_header,
    response_header,
    transaction,
)
from topics.values import AccountId, TopicId

TOPIC = TopicId(0, 0, 7)


def code(header: response_header.ResponseHeader) -> str:
    return name_of(header.nodeTransactionPrecheckCode)


def payment(ground: Ground, amount: int | None = None, **changes: Any) -> query_header.QueryHeader:
    cost = ground.settings.exchange_rate.tinybar(QUERY) if amount is None else amount
    transfer = ground.transfer({ground.operator: -cost, changes.pop("to", FIRST): cost}, **changes)
    return query_header.QueryHeader(payment=signed(transfer, [ground.key]))


def topic_query(topic_id: TopicId, header: query_header.QueryHeader) -> query.Query:
    return query.Query(
        consensusGetTopicInfo=get_topic_info.ConsensusGetTopicInfoQuery(header=header, topicID=protos.topic(topic_id))
    )


def receipt_query(body: transaction.TransactionBody, *, copies: bool = False) -> query.Query:
    wanted = get_receipt.TransactionGetReceiptQuery(transactionID=body.transactionID, includeDuplicates=copies)
    return query.Query(transactionGetReceipt=wanted)


def test_receipts_before_and_after_consensus() -> None:
    ground = Ground(consensus_delay_s=3)
    first, second = Queries(ground.network, FIRST), Queries(ground.network, SECOND)
    body = ground.submit(TOPIC)
    asked = receipt_query(body)
    assert code(first.receipt(asked, ground.now_ns).transactionGetReceipt.header) == "RECEIPT_NOT_FOUND"
    ground.ingest(body)
    waiting = first.receipt(asked, ground.now_ns).transactionGetReceipt
    assert (code(waiting.header), name_of(waiting.receipt.status)) == ("OK", "UNKNOWN")
    assert code(second.receipt(asked, ground.now_ns).transactionGetReceipt.header) == "RECEIPT_NOT_FOUND"
    ground.advance(3)
    for node in (first, second):
        done = node.receipt(asked, ground.now_ns).transactionGetReceipt
        assert name_of(done.receipt.status) == "INVALID_TOPIC_ID"


def test_receipts_of_copies_on_request() -> None:
    ground = Ground(consensus_delay_s=3)
    body = ground.submit(TOPIC)
    ground.ingest(body)
    body.nodeAccountID.CopyFrom(protos.account(SECOND))
    ground.ingest(body, node=SECOND)
    ground.advance(3)
    node = Queries(ground.network, FIRST)
    assert not node.receipt(receipt_query(body), 0).transactionGetReceipt.duplicateTransactionReceipts
    [copy] = node.receipt(receipt_query(body, copies=True), 0).transactionGetReceipt.duplicateTransactionReceipts
    assert name_of(copy.status) == "DUPLICATE_TRANSACTION"


def test_an_unreadable_id() -> None:
    ground = Ground()
    answer = Queries(ground.network, FIRST).receipt(query.Query(), 0).transactionGetReceipt
    assert code(answer.header) == "INVALID_TRANSACTION_ID"


def test_balances_are_free() -> None:
    ground = Ground()
    node = Queries(ground.network, FIRST)

    def ask(account_id: AccountId) -> get_balance.CryptoGetAccountBalanceResponse:
        wanted = get_balance.CryptoGetAccountBalanceQuery(accountID=protos.account(account_id))
        return node.balance(query.Query(cryptogetAccountBalance=wanted), 0).cryptogetAccountBalance

    assert ask(ground.operator).balance == ground.balance(ground.operator)
    assert code(ask(AccountId(0, 0, 5555)).header) == "INVALID_ACCOUNT_ID"


def test_the_cost_then_the_answer_and_the_bill() -> None:
    ground = Ground()
    node, topic_id = Queries(ground.network, FIRST), ground.create_topic(memo="m", submitKey=KEY.public)
    ground.run(ground.submit(topic_id), ground.key, KEY)
    cost_only = query_header.QueryHeader(responseType=query_header.COST_ANSWER)
    told = node.topic_info(topic_query(topic_id, cost_only), ground.now_ns).consensusGetTopicInfo
    assert (code(told.header), told.header.responseType) == ("OK", query_header.COST_ANSWER)
    cost = ground.settings.exchange_rate.tinybar(QUERY)
    assert told.header.cost == cost
    assert not told.HasField("topicInfo")

    before = ground.balance(ground.operator)
    answer = node.topic_info(topic_query(topic_id, payment(ground)), ground.now_ns).consensusGetTopicInfo
    info = answer.topicInfo
    assert (info.memo, info.sequenceNumber, info.submitKey) == ("m", 1, KEY.public)
    assert info.runningHash == ground.network.state.topics[topic_id].position.running_hash
    ground.advance()
    assert before - ground.balance(ground.operator) == 2 * cost, "the price of the query and of the transfer"


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"amount": 5}, "INSUFFICIENT_TX_FEE"),
        ({"to": SECOND}, "INVALID_RECEIVING_NODE_ACCOUNT"),
        ({"node": SECOND}, "INVALID_NODE_ACCOUNT"),
        ({"max_fee": 1}, "INSUFFICIENT_TX_FEE"),
    ],
)
def test_payments_refused(changes: dict[str, Any], refused: str) -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    asked = topic_query(topic_id, payment(ground, **changes))
    answer = Queries(ground.network, FIRST).topic_info(asked, ground.now_ns).consensusGetTopicInfo
    assert code(answer.header) == refused
    assert not answer.HasField("topicInfo")


def test_a_payment_that_is_none() -> None:
    ground = Ground()
    topic_id, node = ground.create_topic(), Queries(ground.network, FIRST)
    nothing = topic_query(topic_id, query_header.QueryHeader())
    assert code(node.topic_info(nothing, ground.now_ns).consensusGetTopicInfo.header) == "INVALID_TRANSACTION_BODY"
    message = query_header.QueryHeader(payment=signed(ground.submit(topic_id), [ground.key]))
    answer = node.topic_info(topic_query(topic_id, message), ground.now_ns).consensusGetTopicInfo
    assert code(answer.header) == "INSUFFICIENT_TX_FEE"


def test_what_is_not_there_costs_nothing() -> None:
    ground = Ground()
    before = ground.balance(ground.operator)
    answer = Queries(ground.network, FIRST).topic_info(topic_query(TOPIC, payment(ground)), ground.now_ns)
    assert code(answer.consensusGetTopicInfo.header) == "INVALID_TOPIC_ID"
    ground.advance()
    assert ground.balance(ground.operator) == before


def test_records_accounts_and_version() -> None:
    ground = Ground()
    node = Queries(ground.network, FIRST)
    body = ground.submit(TOPIC)
    record = ground.run(body)
    assert status(record) == "INVALID_TOPIC_ID"

    def ask(transaction_id: basic_types.TransactionID) -> get_record.TransactionGetRecordResponse:
        wanted = get_record.TransactionGetRecordQuery(header=payment(ground), transactionID=transaction_id)
        return node.record(query.Query(transactionGetRecord=wanted), ground.now_ns).transactionGetRecord

    assert ask(body.transactionID).transactionRecord.transactionFee == record.charged
    assert code(ask(ground.submit(TOPIC).transactionID).header) == "RECEIPT_NOT_FOUND"

    wanted = get_account_info.CryptoGetInfoQuery(header=payment(ground), accountID=protos.account(ground.operator))
    info = node.account_info(query.Query(cryptoGetInfo=wanted), ground.now_ns).cryptoGetInfo.accountInfo
    assert (info.key, info.balance) == (ground.key.public, ground.balance(ground.operator))

    version = get_version_info.NetworkGetVersionInfoQuery(header=payment(ground))
    told = node.version_info(query.Query(networkGetVersionInfo=version), ground.now_ns).networkGetVersionInfo
    assert told.hapiProtoVersion.minor > 0


def test_a_record_before_consensus() -> None:
    ground = Ground(consensus_delay_s=3)
    body = ground.submit(TOPIC)
    ground.ingest(body)
    wanted = get_record.TransactionGetRecordQuery(header=payment(ground), transactionID=body.transactionID)
    answer = Queries(ground.network, FIRST).record(query.Query(transactionGetRecord=wanted), ground.now_ns)
    assert code(answer.transactionGetRecord.header) == "RECORD_NOT_FOUND"
