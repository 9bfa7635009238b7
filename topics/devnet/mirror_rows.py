"""How the mirror's REST writes what it has imported."""

from __future__ import annotations

import base64
from typing import Any

from topics.devnet.envelope import name_of
from topics.devnet.mirror_index import MirrorAccount, MirrorTopic
from topics.devnet.record import Record
from topics.ledger.hapi import basic_types, response_code
from topics.values import NANOS, TopicMessage, format_timestamp

Row = dict[str, Any]


def message_row(message: TopicMessage) -> Row:
    """One of `messages`."""
    chunk = message.chunk
    return {
        "chunk_info": None
        if chunk is None
        else {
            "initial_transaction_id": {
                "account_id": str(chunk.initial.payer),
                "nonce": 0,
                "scheduled": False,
                "transaction_valid_start": format_timestamp(chunk.initial.valid_start_ns),
            },
            "number": chunk.number,
            "total": chunk.total,
        },
        "consensus_timestamp": format_timestamp(message.consensus_ns),
        "message": _base64(message.message),
        "payer_account_id": str(message.payer),
        "running_hash": _base64(message.running_hash),
        "running_hash_version": message.running_hash_version,
        "sequence_number": message.sequence,
        "topic_id": str(message.topic_id),
    }


def transaction_row(record: Record) -> Row:
    """One of `transactions`. No message bytes: those are with the topic."""
    return {
        "batch_key": None,
        "bytes": None,
        "charged_tx_fee": record.charged,
        "consensus_timestamp": format_timestamp(record.consensus_ns),
        "entity_id": None if record.entity is None else str(record.entity),
        "max_custom_fees": [],
        "max_fee": str(record.max_fee),
        "memo_base64": _base64(record.memo.encode()),
        "name": record.type,
        "nft_transfers": [],
        "node": str(record.node),
        "nonce": 0,
        "parent_consensus_timestamp": None,
        "result": name_of(record.status),
        "scheduled": False,
        "staking_reward_transfers": [],
        "token_transfers": [],
        "transaction_hash": _base64(record.hash),
        "transaction_id": str(record.id),
        "transfers": [
            {"account": str(account_id), "amount": amount, "is_approval": False}
            for account_id, amount in sorted(record.transfers.items())
        ],
        "valid_duration_seconds": str(record.valid_duration_s),
        "valid_start_timestamp": format_timestamp(record.id.valid_start_ns),
    }


def succeeded(record: Record) -> bool:
    """What `result=success` asks for."""
    return record.status == response_code.SUCCESS


def topic_row(topic: MirrorTopic) -> Row:
    """`/topics/{id}`."""
    entity = topic.entity
    created = format_timestamp(entity.created_ns)
    return {
        "admin_key": key_row(entity.admin_key),
        "auto_renew_account": None if entity.auto_renew_account is None else str(entity.auto_renew_account),
        "auto_renew_period": entity.auto_renew_s,
        "created_timestamp": created,
        "custom_fees": {"created_timestamp": created, "fixed_fees": []},
        "deleted": entity.deleted,
        "fee_exempt_key_list": [],
        "fee_schedule_key": None,
        "memo": entity.memo,
        "submit_key": key_row(entity.submit_key),
        "timestamp": {"from": format_timestamp(entity.changed_ns or entity.created_ns), "to": None},
        "topic_id": str(entity.id),
    }


def account_row(account: MirrorAccount, *, fresh_ns: int) -> Row:
    """`/accounts/{id}`, without its transactions."""
    entity = account.entity
    return {
        "account": str(entity.id),
        "alias": None,
        "auto_renew_period": entity.auto_renew_s,
        "balance": {"balance": account.balance, "timestamp": format_timestamp(fresh_ns), "tokens": []},
        "created_timestamp": format_timestamp(entity.created_ns),
        "decline_reward": False,
        "deleted": False,
        "ethereum_nonce": 0,
        "evm_address": f"0x{entity.id.num:040x}",
        "expiry_timestamp": format_timestamp(entity.created_ns + entity.auto_renew_s * NANOS),
        "key": key_row(entity.key),
        "max_automatic_token_associations": 0,
        "memo": entity.memo,
        "pending_reward": 0,
        "receiver_sig_required": False,
        "staked_account_id": None,
        "staked_node_id": None,
        "stake_period_start": None,
    }


def key_row(key: basic_types.Key | None) -> Row | None:
    """A simple key by its type and bytes; lists and thresholds as their protobuf."""
    if key is None:
        return None
    kind = key.WhichOneof("key")
    if kind == "ed25519":
        return {"_type": "ED25519", "key": key.ed25519.hex()}
    if kind == "ECDSA_secp256k1":
        return {"_type": "ECDSA_SECP256K1", "key": key.ECDSA_secp256k1.hex()}
    return {"_type": "ProtobufEncoded", "key": key.SerializeToString().hex()}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
