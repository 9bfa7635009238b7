"""Values to protobufs and back: transactions for one chosen node, queries, receipts. Nothing here does I/O.

`nodeAccountID` is inside the signed body, so a transaction is built and signed anew, with the same id, for each
node that it is sent to (proto: transaction.proto).
"""

from __future__ import annotations

from topics.errors import MalformedAnswer
from topics.ledger.codes import code_name
from topics.ledger.hapi import (
    basic_types,
    create_topic,
    crypto_transfer,
    duration,
    get_balance,
    get_receipt,
    get_topic_info,
    query,
    query_header,
    submit_message,
    timestamp,
    transaction,
    transaction_contents,
    transaction_receipt,
)
from topics.ledger.hapi import (
    topic_info as topic_info_proto,
)
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Receipt, Submission, TopicCreate, TopicInfo
from topics.values import HASH_BYTES, NANOS, AccountId, ChunkInfo, TopicId, TransactionId

_PAYMENT_VALID_S = 120
_PAYMENT_MAX_FEE_TINYBAR = 100_000_000


def account_id(account: AccountId) -> basic_types.AccountID:
    """The proto form of an account."""
    return basic_types.AccountID(shardNum=account.shard, realmNum=account.realm, accountNum=account.num)


def topic_id(topic: TopicId) -> basic_types.TopicID:
    """The proto form of a topic."""
    return basic_types.TopicID(shardNum=topic.shard, realmNum=topic.realm, topicNum=topic.num)


def transaction_id(id: TransactionId) -> basic_types.TransactionID:  # noqa: A002 - the word of the whole API
    """The proto form of a transaction id."""
    seconds, nanos = divmod(id.valid_start_ns, NANOS)
    return basic_types.TransactionID(
        accountID=account_id(id.payer), transactionValidStart=timestamp.Timestamp(seconds=seconds, nanos=nanos)
    )


def create_transaction(create: TopicCreate, *, node: AccountId, key: OperatorKey) -> transaction.Transaction:
    """The signed transaction that makes a topic.

    No auto-renew account: a topic may have one only together with an admin key (AUTORENEW_ACCOUNT_NOT_ALLOWED).
    """
    details = create_topic.ConsensusCreateTopicTransactionBody(
        memo=create.memo,
        adminKey=key.proto_key() if create.admin_key else None,
        submitKey=key.proto_key() if create.submit_key else None,
        autoRenewPeriod=duration.Duration(seconds=create.auto_renew_s),
    )
    body = _body(create.id, node, create.valid_duration_s, create.max_fee_tinybar)
    body.consensusCreateTopic.CopyFrom(details)
    return _sign(body, key)


def submit_transaction(submission: Submission, *, node: AccountId, key: OperatorKey) -> transaction.Transaction:
    """The signed transaction that submits one message or chunk."""
    body = _body(submission.id, node, submission.valid_duration_s, submission.max_fee_tinybar)
    body.consensusSubmitMessage.CopyFrom(
        submit_message.ConsensusSubmitMessageTransactionBody(
            topicID=topic_id(submission.topic_id),
            message=submission.message,
            chunkInfo=None if submission.chunk is None else _chunk_info(submission.chunk),
        )
    )
    return _sign(body, key)


def payment_transaction(
    id: TransactionId,  # noqa: A002 - the word of the whole API
    *,
    amount_tinybar: int,
    node: AccountId,
    key: OperatorKey,
) -> transaction.Transaction:
    """The signed transfer that pays `node` for a query; the id's payer pays."""
    body = _body(id, node, _PAYMENT_VALID_S, _PAYMENT_MAX_FEE_TINYBAR)
    transfers = [
        basic_types.AccountAmount(accountID=account_id(node), amount=amount_tinybar),
        basic_types.AccountAmount(accountID=account_id(id.payer), amount=-amount_tinybar),
    ]
    body.cryptoTransfer.CopyFrom(
        crypto_transfer.CryptoTransferTransactionBody(transfers=basic_types.TransferList(accountAmounts=transfers))
    )
    return _sign(body, key)


def receipt_query(id: TransactionId) -> query.Query:  # noqa: A002 - the word of the whole API
    """Asks for the receipt; free."""
    return query.Query(
        transactionGetReceipt=get_receipt.TransactionGetReceiptQuery(
            header=query_header.QueryHeader(responseType=query_header.ANSWER_ONLY), transactionID=transaction_id(id)
        )
    )


def balance_query(account: AccountId) -> query.Query:
    """Asks for an account's balance; free."""
    return query.Query(
        cryptogetAccountBalance=get_balance.CryptoGetAccountBalanceQuery(
            header=query_header.QueryHeader(responseType=query_header.ANSWER_ONLY), accountID=account_id(account)
        )
    )


def topic_info_query(topic: TopicId, payment: transaction.Transaction | None) -> query.Query:
    """Asks for a topic's state; without payment, for what that costs."""
    header = (
        query_header.QueryHeader(responseType=query_header.COST_ANSWER)
        if payment is None
        else query_header.QueryHeader(responseType=query_header.ANSWER_ONLY, payment=payment)
    )
    return query.Query(
        consensusGetTopicInfo=get_topic_info.ConsensusGetTopicInfoQuery(header=header, topicID=topic_id(topic))
    )


def read_receipt(receipt: transaction_receipt.TransactionReceipt) -> Receipt:
    """A receipt as a value; sequence and hash only where the transaction submitted a message."""
    topic = receipt.topicID
    return Receipt(
        status=code_name(receipt.status),
        topic_id=TopicId(topic.shardNum, topic.realmNum, topic.topicNum) if receipt.HasField("topicID") else None,
        sequence=receipt.topicSequenceNumber or None,
        running_hash=receipt.topicRunningHash or None,
    )


def read_topic_info(topic: TopicId, info: topic_info_proto.ConsensusTopicInfo, remote: str) -> TopicInfo:
    """A topic's state as a value. Raises MalformedAnswer on a running hash of the wrong length."""
    if len(info.runningHash) != HASH_BYTES:
        raise MalformedAnswer(remote, f"topicInfo.runningHash has {len(info.runningHash)} bytes, not {HASH_BYTES}")
    return TopicInfo(topic, info.memo, info.sequenceNumber, info.runningHash)


def _body(
    id: TransactionId,  # noqa: A002 - the word of the whole API
    node: AccountId,
    valid_duration_s: int,
    max_fee_tinybar: int,
) -> transaction.TransactionBody:
    return transaction.TransactionBody(
        transactionID=transaction_id(id),
        nodeAccountID=account_id(node),
        transactionFee=max_fee_tinybar,
        transactionValidDuration=duration.Duration(seconds=valid_duration_s),
    )


def _chunk_info(chunk: ChunkInfo) -> submit_message.ConsensusMessageChunkInfo:
    return submit_message.ConsensusMessageChunkInfo(
        initialTransactionID=transaction_id(chunk.initial), number=chunk.number, total=chunk.total
    )


def _sign(body: transaction.TransactionBody, key: OperatorKey) -> transaction.Transaction:
    body_bytes = body.SerializeToString()
    signed = transaction_contents.SignedTransaction(
        bodyBytes=body_bytes, sigMap=basic_types.SignatureMap(sigPair=[key.signature_pair(body_bytes)])
    )
    return transaction.Transaction(signedTransactionBytes=signed.SerializeToString())
