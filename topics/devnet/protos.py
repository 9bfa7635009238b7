"""Turns this package's values into the Hedera API's protobufs, and back."""

from __future__ import annotations

import ipaddress

from topics.ledger.hapi import basic_types, duration, mirror_consensus, submit_message, timestamp
from topics.values import NANOS, AccountId, ChunkInfo, EntityId, TopicId, TopicMessage, TransactionId


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
    return TransactionId(payer, read_time(proto.transactionValidStart))


def read_time(proto: timestamp.Timestamp) -> int:
    """Nanoseconds since 1970."""
    return proto.seconds * NANOS + proto.nanos


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


def topic_response(message: TopicMessage) -> mirror_consensus.ConsensusTopicResponse:
    """What the mirror's gRPC side says of a message: all but its payer."""
    return mirror_consensus.ConsensusTopicResponse(
        consensusTimestamp=time(message.consensus_ns),
        message=message.message,
        runningHash=message.running_hash,
        sequenceNumber=message.sequence,
        runningHashVersion=message.running_hash_version,
        chunkInfo=None if message.chunk is None else chunk_info(message.chunk),
    )


def chunk_info(of: ChunkInfo) -> submit_message.ConsensusMessageChunkInfo:
    """ConsensusMessageChunkInfo."""
    return submit_message.ConsensusMessageChunkInfo(
        initialTransactionID=transaction_id(of.initial), number=of.number, total=of.total
    )


def node_address(number: int, of: AccountId, address: str) -> basic_types.NodeAddress:
    """A line of the address book. Nodes here have no certificate."""
    host, _, port = address.rpartition(":")
    return basic_types.NodeAddress(
        memo=str(of).encode(),
        nodeId=number,
        nodeAccountId=account(of),
        description=f"devnet node {number}",
        serviceEndpoint=[_endpoint(host, int(port))],
    )


def _endpoint(host: str, port: int) -> basic_types.ServiceEndpoint:
    try:
        packed = ipaddress.IPv4Address(host).packed
    except ValueError:
        return basic_types.ServiceEndpoint(domain_name=host, port=port)
    return basic_types.ServiceEndpoint(ipAddressV4=packed, port=port)
