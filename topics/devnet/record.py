"""What a transaction that reached consensus leaves behind, and its form in the Hedera API."""

from __future__ import annotations

from dataclasses import dataclass

from topics.devnet import protos
from topics.devnet.state import AccountEntity, TopicEntity
from topics.ledger.hapi import (
    basic_types,
    exchange_rate,
    response_code,
    timestamp,
    transaction_receipt,
    transaction_record,
)
from topics.running_hash import VERSION
from topics.values import NANOS, AccountId, EntityId, TopicMessage, TransactionId

HOUR_NS = 3600 * NANOS


@dataclass(frozen=True, slots=True)
class Record:
    """One transaction's end. `entity` is what it was about; `message`, `created` and `changed` stand only where
    it succeeded.

    `transfers` holds every account's change in tinybar, fees included; `charged` is what the payer paid of them.
    """

    id: TransactionId
    node: AccountId
    type: str
    status: response_code.ResponseCodeEnum
    consensus_ns: int
    memo: str
    max_fee: int
    charged: int
    valid_duration_s: int
    hash: bytes
    transfers: dict[AccountId, int]
    entity: EntityId | None = None
    message: TopicMessage | None = None
    created: AccountEntity | TopicEntity | None = None
    changed: TopicEntity | None = None


def receipt_of(record: Record, rates: exchange_rate.ExchangeRateSet) -> transaction_receipt.TransactionReceipt:
    """TransactionReceipt."""
    receipt = transaction_receipt.TransactionReceipt(status=record.status, exchangeRate=rates)
    if isinstance(record.created, TopicEntity):
        receipt.topicID.CopyFrom(protos.topic(record.created.id))
    if isinstance(record.created, AccountEntity):
        receipt.accountID.CopyFrom(protos.account(record.created.id))
    if record.message is not None:
        receipt.topicSequenceNumber = record.message.sequence
        receipt.topicRunningHash = record.message.running_hash
        receipt.topicRunningHashVersion = VERSION
    return receipt


def proto_of(record: Record, rates: exchange_rate.ExchangeRateSet) -> transaction_record.TransactionRecord:
    """TransactionRecord."""
    return transaction_record.TransactionRecord(
        receipt=receipt_of(record, rates),
        transactionHash=record.hash,
        consensusTimestamp=protos.time(record.consensus_ns),
        transactionID=protos.transaction_id(record.id),
        memo=record.memo,
        transactionFee=record.charged,
        transferList=basic_types.TransferList(
            accountAmounts=[
                basic_types.AccountAmount(accountID=protos.account(account_id), amount=amount)
                for account_id, amount in sorted(record.transfers.items())
            ]
        ),
    )


def rates_at(now_ns: int, *, hbar: int, cents: int) -> exchange_rate.ExchangeRateSet:
    """The same rate for this hour and the next."""
    hour = now_ns // HOUR_NS + 1

    def until(hours: int) -> exchange_rate.ExchangeRate:
        expires = timestamp.TimestampSeconds(seconds=hours * 3600)
        return exchange_rate.ExchangeRate(hbarEquiv=hbar, centEquiv=cents, expirationTime=expires)

    return exchange_rate.ExchangeRateSet(currentRate=until(hour), nextRate=until(hour + 1))
