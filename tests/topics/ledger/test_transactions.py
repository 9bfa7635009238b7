"""Built as the proto asks: one node in the signed body, one id for all nodes, the payer's signature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.errors import MalformedAnswer
from topics.ledger.hapi import basic_types, topic_info, transaction, transaction_contents, transaction_receipt
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Receipt, Submission, TopicCreate, TopicInfo
from topics.ledger.transactions import (
    account_id,
    balance_query,
    create_transaction,
    payment_transaction,
    read_receipt,
    read_topic_info,
    receipt_query,
    submit_transaction,
    topic_id,
    topic_info_query,
    transaction_id,
)
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

PAYER, NODE, OTHER_NODE = AccountId(0, 0, 1001), AccountId(0, 0, 3), AccountId(0, 0, 4)
TOPIC = TopicId(0, 0, 7001)
ID = TransactionId(PAYER, 1_700_000_000_000_000_042)
KEY = OperatorKey.parse("11" * 32, kind="ecdsa")


def opened(built: transaction.Transaction) -> transaction.TransactionBody:
    """The body, after a look at the signature."""
    signed = transaction_contents.SignedTransaction.FromString(built.signedTransactionBytes)
    assert list(signed.sigMap.sigPair) == [KEY.signature_pair(signed.bodyBytes)]
    return transaction.TransactionBody.FromString(signed.bodyBytes)


@given(
    message=st.binary(min_size=1, max_size=1024),
    start_ns=st.integers(0, 2**62),
    chunk=st.none() | st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_a_submission(message: bytes, start_ns: int, chunk: tuple[int, int] | None) -> None:
    id = TransactionId(PAYER, start_ns)  # noqa: A001 - as in the port
    info = ChunkInfo(ID, *chunk) if chunk else None
    body = opened(submit_transaction(Submission(id, TOPIC, message, info, 120, 5_000), node=NODE, key=KEY))
    start = body.transactionID.transactionValidStart
    assert start.seconds * 10**9 + start.nanos == start_ns
    assert 0 <= start.nanos < 10**9
    assert body.transactionID.accountID.accountNum == PAYER.num
    assert (body.nodeAccountID.accountNum, body.transactionFee, body.transactionValidDuration.seconds) == (
        3,
        5_000,
        120,
    )
    submit = body.consensusSubmitMessage
    assert (submit.topicID.topicNum, submit.message) == (TOPIC.num, message)
    assert submit.HasField("chunkInfo") == (chunk is not None)
    if chunk:
        assert (submit.chunkInfo.number, submit.chunkInfo.total) == chunk
        assert submit.chunkInfo.initialTransactionID == transaction_id(ID)


def test_another_node_gets_the_same_but_for_its_own_account() -> None:
    submission = Submission(ID, TOPIC, b"x", None, 120, 1)
    here, there = (opened(submit_transaction(submission, node=node, key=KEY)) for node in (NODE, OTHER_NODE))
    assert here != there
    here.nodeAccountID.CopyFrom(there.nodeAccountID)
    assert here == there


@pytest.mark.parametrize(("submit_key", "admin_key"), [(True, False), (True, True), (False, False)])
def test_a_topic(submit_key: bool, admin_key: bool) -> None:
    create = TopicCreate(
        ID, "hcs-bridge:1", submit_key=submit_key, admin_key=admin_key, max_fee_tinybar=9, auto_renew_s=7_776_000
    )
    body = opened(create_transaction(create, node=NODE, key=KEY)).consensusCreateTopic
    assert (body.memo, body.autoRenewPeriod.seconds) == ("hcs-bridge:1", 7_776_000)
    assert body.HasField("submitKey") == submit_key
    assert body.HasField("adminKey") == admin_key
    assert not submit_key or body.submitKey == KEY.proto_key()
    assert not body.HasField("autoRenewAccount")


def test_a_payment_balances() -> None:
    body = opened(payment_transaction(ID, amount_tinybar=77, node=NODE, key=KEY))
    amounts = {entry.accountID.accountNum: entry.amount for entry in body.cryptoTransfer.transfers.accountAmounts}
    assert amounts == {NODE.num: 77, PAYER.num: -77}


def test_queries_name_what_they_ask_about() -> None:
    assert receipt_query(ID).transactionGetReceipt.transactionID == transaction_id(ID)
    assert balance_query(PAYER).cryptogetAccountBalance.accountID == account_id(PAYER)
    free = topic_info_query(TOPIC, None).consensusGetTopicInfo
    assert free.topicID == topic_id(TOPIC)
    assert free.header.responseType == 2  # COST_ANSWER
    payment = payment_transaction(ID, amount_tinybar=77, node=NODE, key=KEY)
    paid = topic_info_query(TOPIC, payment).consensusGetTopicInfo
    assert (paid.header.responseType, paid.header.payment) == (0, payment)


def test_receipts_are_read() -> None:
    submitted = transaction_receipt.TransactionReceipt(
        status="SUCCESS", topicSequenceNumber=4, topicRunningHash=bytes(48)
    )
    assert read_receipt(submitted) == Receipt("SUCCESS", None, 4, bytes(48))
    created = transaction_receipt.TransactionReceipt(status="SUCCESS", topicID=basic_types.TopicID(topicNum=7001))
    assert read_receipt(created) == Receipt("SUCCESS", TOPIC, None, None)
    assert read_receipt(transaction_receipt.TransactionReceipt(status="INVALID_SIGNATURE")) == Receipt(
        "INVALID_SIGNATURE"
    )


def test_topic_info_is_read_and_a_short_running_hash_refused() -> None:
    info = topic_info.ConsensusTopicInfo(memo="m", sequenceNumber=3, runningHash=bytes(48))
    assert read_topic_info(TOPIC, info, "node 0.0.3") == TopicInfo(TOPIC, "m", 3, bytes(48))
    with pytest.raises(MalformedAnswer, match=r"node 0\.0\.3.*runningHash has 2 bytes"):
        read_topic_info(TOPIC, topic_info.ConsensusTopicInfo(runningHash=b"xx"), "node 0.0.3")
