"""What a node answers to queries: free ones, and those that are paid by a transfer in their header."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from topics.devnet import protos
from topics.devnet.crypto_service import transfers_of
from topics.devnet.envelope import Refused, open_envelope
from topics.devnet.history import Entry
from topics.devnet.network import Network
from topics.devnet.record import Record, proto_of, rates_at, receipt_of
from topics.devnet.state import DEFAULT_AUTO_RENEW_S
from topics.fees import QUERY
from topics.ledger.hapi import (
    basic_types,
    exchange_rate,
    get_account_info,
    get_balance,
    get_receipt,
    get_record,
    get_topic_info,
    get_version_info,
    query,
    query_header,
    response,
    response_code,
    response_header,
    topic_info,
    transaction_receipt,
)
from topics.values import NANOS, AccountId

Found = TypeVar("Found")

LEDGER_ID = b"\x03"
"""What local networks call themselves; mainnet is 0, testnet 1, previewnet 2."""
HAPI_VERSION = (0, 75, 0)


class Queries:
    """One node's answers. Each takes the query and the time, and never raises: the header carries the code.

    `forgot` is asked before each look at receipts: whether the node has lost them all.
    """

    def __init__(self, network: Network, node: AccountId, forgot: Callable[[], bool] = bool) -> None:
        self._network = network
        self._node = node
        self._forgot = forgot

    def receipt(self, asked: query.Query, now_ns: int) -> response.Response:
        """Free. UNKNOWN while the id waits for consensus."""
        wanted = asked.transactionGetReceipt
        try:
            entry = self._entry(wanted.transactionID)
        except Refused as refusal:
            return response.Response(
                transactionGetReceipt=get_receipt.TransactionGetReceiptResponse(header=_header(refusal.status))
            )
        if entry.records:
            receipts = [receipt_of(each, self._rates(now_ns)) for each in entry.records]
        else:
            receipts = [transaction_receipt.TransactionReceipt(status=response_code.UNKNOWN)]
        return response.Response(
            transactionGetReceipt=get_receipt.TransactionGetReceiptResponse(
                header=_header(response_code.OK),
                receipt=receipts[0],
                duplicateTransactionReceipts=receipts[1:] if wanted.includeDuplicates else [],
            )
        )

    def balance(self, asked: query.Query, now_ns: int) -> response.Response:
        """Free."""
        answer = get_balance.CryptoGetAccountBalanceResponse(header=_header(response_code.OK))
        wanted = asked.cryptogetAccountBalance.accountID
        try:
            account = self._network.state.account(
                protos.read_account(wanted), otherwise=response_code.INVALID_ACCOUNT_ID
            )
        except Refused as refusal:
            answer.header.CopyFrom(_header(refusal.status))
        else:
            answer.accountID.CopyFrom(wanted)
            answer.balance = account.balance
        return response.Response(cryptogetAccountBalance=answer)

    def record(self, asked: query.Query, now_ns: int) -> response.Response:
        """Paid."""
        wanted = asked.transactionGetRecord

        def look_up() -> list[Record]:
            entry = self._entry(wanted.transactionID)
            if not entry.records:
                raise Refused(response_code.RECORD_NOT_FOUND)
            return entry.records

        records, header = self._paid(wanted.header, now_ns, look_up)
        answer = get_record.TransactionGetRecordResponse(header=header)
        if records:
            protos_of = [proto_of(each, self._rates(now_ns)) for each in records]
            answer.transactionRecord.CopyFrom(protos_of[0])
            answer.duplicateTransactionRecords.extend(protos_of[1:] if wanted.includeDuplicates else [])
        return response.Response(transactionGetRecord=answer)

    def topic_info(self, asked: query.Query, now_ns: int) -> response.Response:
        """Paid."""
        wanted = asked.consensusGetTopicInfo
        topic, header = self._paid(
            wanted.header, now_ns, lambda: self._network.state.topic(protos.read_topic(wanted.topicID))
        )
        answer = get_topic_info.ConsensusGetTopicInfoResponse(header=header)
        if topic is not None:
            entity = topic.entity
            answer.topicID.CopyFrom(wanted.topicID)
            answer.topicInfo.CopyFrom(
                topic_info.ConsensusTopicInfo(
                    memo=entity.memo,
                    runningHash=topic.position.running_hash,
                    sequenceNumber=topic.position.sequence,
                    expirationTime=protos.time(entity.expiry_ns),
                    adminKey=entity.admin_key,
                    submitKey=entity.submit_key,
                    autoRenewPeriod=protos.seconds(entity.auto_renew_s),
                    autoRenewAccount=protos.account(entity.auto_renew_account) if entity.auto_renew_account else None,
                    ledger_id=LEDGER_ID,
                )
            )
        return response.Response(consensusGetTopicInfo=answer)

    def account_info(self, asked: query.Query, now_ns: int) -> response.Response:
        """Paid."""
        wanted = asked.cryptoGetInfo
        invalid = response_code.INVALID_ACCOUNT_ID
        account, header = self._paid(
            wanted.header,
            now_ns,
            lambda: self._network.state.account(protos.read_account(wanted.accountID), otherwise=invalid),
        )
        answer = get_account_info.CryptoGetInfoResponse(header=header)
        if account is not None:
            entity = account.entity
            answer.accountInfo.CopyFrom(
                get_account_info.CryptoGetInfoResponse.AccountInfo(
                    accountID=wanted.accountID,
                    contractAccountID=f"{entity.id.num:040x}",
                    key=entity.key,
                    balance=account.balance,
                    expirationTime=protos.time(entity.created_ns + entity.auto_renew_s * NANOS),
                    autoRenewPeriod=protos.seconds(DEFAULT_AUTO_RENEW_S),
                    memo=entity.memo,
                    ledger_id=LEDGER_ID,
                )
            )
        return response.Response(cryptoGetInfo=answer)

    def version_info(self, asked: query.Query, now_ns: int) -> response.Response:
        """Paid."""
        major, minor, patch = HAPI_VERSION
        version = basic_types.SemanticVersion(major=major, minor=minor, patch=patch)
        found, header = self._paid(asked.networkGetVersionInfo.header, now_ns, lambda: version)
        return response.Response(
            networkGetVersionInfo=get_version_info.NetworkGetVersionInfoResponse(
                header=header, hapiProtoVersion=found, hederaServicesVersion=found
            )
        )

    def _entry(self, proto: basic_types.TransactionID) -> Entry:
        transaction_id = protos.read_transaction_id(proto)
        if transaction_id is None:
            raise Refused(response_code.INVALID_TRANSACTION_ID)
        entry = None if self._forgot() else self._network.known(self._node, transaction_id)
        if entry is None:
            raise Refused(response_code.RECEIPT_NOT_FOUND)
        return entry

    def _paid(
        self, header: query_header.QueryHeader, now_ns: int, look_up: Callable[[], Found]
    ) -> tuple[Found | None, response_header.ResponseHeader]:
        """What was asked for, if it is there and paid; None where only the cost was asked for."""
        cost = self._network.state.rate.tinybar(QUERY)
        try:
            if header.responseType == query_header.COST_ANSWER:
                look_up()
                return None, _header(response_code.OK, cost=cost, kind=query_header.COST_ANSWER)
            found = look_up()
            self._collect(header, cost, now_ns)
        except Refused as refusal:
            return None, _header(refusal.status, kind=header.responseType)
        return found, _header(response_code.OK, kind=header.responseType)

    def _collect(self, header: query_header.QueryHeader, cost: int, now_ns: int) -> None:
        envelope = open_envelope(header.payment)
        if envelope.kind != "cryptoTransfer":
            raise Refused(response_code.INSUFFICIENT_TX_FEE)
        self._network.check(self._node, envelope, now_ns)
        received = transfers_of(envelope).get(self._node)
        if received is None:
            raise Refused(response_code.INVALID_RECEIVING_NODE_ACCOUNT)
        if received < cost:
            raise Refused(response_code.INSUFFICIENT_TX_FEE)
        self._network.take(self._node, envelope, now_ns)

    def _rates(self, now_ns: int) -> exchange_rate.ExchangeRateSet:
        rate = self._network.state.rate
        return rates_at(now_ns, hbar=rate.hbar_equivalent, cents=rate.cent_equivalent)


def _header(
    status: response_code.ResponseCodeEnum, *, cost: int = 0, kind: query_header.ResponseType = query_header.ANSWER_ONLY
) -> response_header.ResponseHeader:
    return response_header.ResponseHeader(nodeTransactionPrecheckCode=status, responseType=kind, cost=cost)
