"""Turns this package's values into the Hedera API's protobufs, and back."""

from __future__ import annotations

from topics.ledger.hapi import basic_types, duration, timestamp
from topics.values import NANOS, AccountId, EntityId, TopicId, TransactionId


def read_account(proto: basic_types.AccountID) -> AccountId | None:
    """None where the account is named by an alias, which this network doesn't know."""
    if proto.WhichOneof("account") != "accountNum":
        return None
    return AccountId(proto.shardNum, proto.realmNum, proto.accountNum)


def read_topic(proto: basic_types.TopicID) -> TopicId:
    """Shard, realm, num as they stand."""
    return TopicId(proto.shardNum, proto.realmNum, proto.topicNum)


def read_transaction_id(proto: basic_types.TransactionID) -> TransactionId | None:
    """None where payer or valid start are missing, or nonce or scheduled are set, as no user may."""
    payer = read_account(proto.accountID)
    if payer is None or not proto.HasField("transactionValidStart") or proto.nonce or proto.scheduled:
        return None
    start = proto.transactionValidStart
    return TransactionId(payer, start.seconds * NANOS + start.nanos)


def account(of: EntityId) -> basic_types.AccountID:
    """AccountID."""
    return basic_types.AccountID(shardNum=of.shard, realmNum=of.realm, accountNum=of.num)


def topic(of: EntityId) -> basic_types.TopicID:
    """TopicID."""
    return basic_types.TopicID(shardNum=of.shard, realmNum=of.realm, topicNum=of.num)


def transaction_id(of: TransactionId) -> basic_types.TransactionID:
    """TransactionID."""
    return basic_types.TransactionID(accountID=account(of.payer), transactionValidStart=time(of.valid_start_ns))


def time(ns: int) -> timestamp.Timestamp:
    """Timestamp of nanoseconds since 1970."""
    seconds, nanos = divmod(ns, NANOS)
    return timestamp.Timestamp(seconds=seconds, nanos=nanos)


def seconds(of: int) -> duration.Duration:
    """Duration."""
    return duration.Duration(seconds=of)
