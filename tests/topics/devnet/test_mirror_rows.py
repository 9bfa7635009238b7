"""Rows have the fields, and the forms, of the mirror's REST."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from tests.recorded import recorded
from tests.topics.devnet.ground import Ground
from tests.topics.devnet.test_consensus_service import chunk
from topics.devnet.made_keys import make_ecdsa
from topics.devnet.mirror_rows import account_row, key_row, message_row, succeeded, topic_row, transaction_row
from topics.ledger.hapi import basic_types
from topics.values import TransactionId, format_timestamp


def test_messages_look_like_recorded_ones() -> None:
    ground = Ground()
    record = ground.run(ground.submit(ground.create_topic()))
    assert record.message is not None
    row: dict[str, Any] = message_row(record.message)
    [first, *_] = json.loads(recorded(Path("running-hash") / "testnet-0.0.4603900.json").read_text())["messages"]
    assert set(first) <= set(row)
    assert {type(row[name]) for name in first} == {type(value) for value in first.values()}
    assert base64.b64decode(row["message"]) == b"hello"
    assert row["chunk_info"] is None


def test_chunk_info() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    initial = TransactionId(ground.operator, ground.now_ns - 5)
    record = ground.run(ground.submit(topic_id, chunk=chunk(2, 3, initial)))
    assert record.message is not None
    assert message_row(record.message)["chunk_info"] == {
        "initial_transaction_id": {
            "account_id": str(ground.operator),
            "nonce": 0,
            "scheduled": False,
            "transaction_valid_start": format_timestamp(initial.valid_start_ns),
        },
        "number": 2,
        "total": 3,
    }


def test_transactions() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    record = ground.run(ground.submit(topic_id, memo="m"))
    row = transaction_row(record)
    assert row["entity_id"] == str(topic_id)
    assert (row["name"], row["result"]) == ("CONSENSUSSUBMITMESSAGE", "SUCCESS")
    assert row["transaction_id"] == str(record.id)
    assert row["memo_base64"] == base64.b64encode(b"m").decode()
    assert sum(each["amount"] for each in row["transfers"]) == 0
    assert row["valid_duration_seconds"] == "120"
    assert succeeded(record)
    assert transaction_row(ground.run(ground.transfer({ground.operator: 0})))["entity_id"] is None


def test_topics_and_accounts() -> None:
    ground = Ground()
    topic_id = ground.create_topic(submitKey=ground.key.public)
    row = topic_row(ground.network.mirror.topics[topic_id])
    assert row["submit_key"] == {"_type": "ED25519", "key": ground.key.public.ed25519.hex()}
    assert (row["admin_key"], row["auto_renew_account"], row["deleted"]) == (None, None, False)
    account = account_row(ground.network.mirror.accounts[ground.operator], fresh_ns=ground.now_ns)
    assert account["balance"]["balance"] == ground.balance(ground.operator)
    assert account["key"]["_type"] == "ED25519"


def test_keys() -> None:
    ecdsa = make_ecdsa().public
    assert key_row(ecdsa) == {"_type": "ECDSA_SECP256K1", "key": ecdsa.ECDSA_secp256k1.hex()}
    listed = basic_types.Key(keyList=basic_types.KeyList(keys=[ecdsa]))
    assert key_row(listed) == {"_type": "ProtobufEncoded", "key": listed.SerializeToString().hex()}
    assert key_row(None) is None
