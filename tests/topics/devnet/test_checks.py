"""A node's checks before it takes a transaction, each with the code that real nodes give."""

from __future__ import annotations

from typing import Any

import pytest

from tests.topics.devnet.ground import FIRST, NOON_NS, SECOND, Ground
from tests.topics.devnet.refusals import refusal
from topics.devnet.made_keys import make_ecdsa, make_ed25519
from topics.devnet.state import TREASURY
from topics.ledger.hapi import transaction
from topics.values import NANOS, AccountId, TopicId

TOPIC = TopicId(0, 0, 7)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"memo": "é" * 51}, "MEMO_TOO_LONG"),
        ({"memo": "a\0b"}, "INVALID_ZERO_BYTE_IN_STRING"),
        ({"node": SECOND}, "INVALID_NODE_ACCOUNT"),
        ({"duration_s": 14}, "INVALID_TRANSACTION_DURATION"),
        ({"duration_s": 181}, "INVALID_TRANSACTION_DURATION"),
        ({"start_ns": NOON_NS + NANOS}, "INVALID_TRANSACTION_START"),
        ({"start_ns": NOON_NS - 110 * NANOS}, "TRANSACTION_EXPIRED"),
        ({"payer": AccountId(0, 0, 5555)}, "PAYER_ACCOUNT_NOT_FOUND"),
        ({"payer": TREASURY}, "INVALID_SIGNATURE"),
        ({"max_fee": 1000}, "INSUFFICIENT_TX_FEE"),
    ],
)
def test_refused(fields: dict[str, Any], code: str) -> None:
    ground = Ground()
    assert refusal(lambda: ground.ingest(ground.submit(TOPIC, **fields))) == code


def test_the_last_moment() -> None:
    ground = Ground()
    ground.ingest(ground.submit(TOPIC, start_ns=NOON_NS - 109 * NANOS, memo="é" * 50))
    ground.ingest(ground.submit(TOPIC, duration_s=15))
    ground.ingest(ground.submit(TOPIC, duration_s=180))


def test_the_window_is_scaled() -> None:
    ground = Ground(time_scale=10)
    ground.ingest(ground.submit(TOPIC, start_ns=NOON_NS - 10 * NANOS))
    late = ground.submit(TOPIC, start_ns=NOON_NS - 11 * NANOS)
    assert refusal(lambda: ground.ingest(late)) == "TRANSACTION_EXPIRED"


def test_the_payers_signature() -> None:
    ground = Ground()
    body = ground.submit(TOPIC)
    assert refusal(lambda: ground.ingest(body, make_ed25519())) == "INVALID_SIGNATURE"
    ecdsa = make_ecdsa()
    ground.ingest(ground.submit(TOPIC, payer=ground.open_account(ecdsa)), ecdsa)


def test_a_poor_payer() -> None:
    ground, key = Ground(), make_ed25519()
    poor = ground.open_account(key, balance=10)
    assert refusal(lambda: ground.ingest(ground.submit(TOPIC, payer=poor), key)) == "INSUFFICIENT_PAYER_BALANCE"


def test_a_node_knows_its_own() -> None:
    ground = Ground(consensus_delay_s=3)
    body = ground.submit(TOPIC)
    ground.ingest(body)
    assert refusal(lambda: ground.ingest(body)) == "DUPLICATE_TRANSACTION"


def test_what_this_network_has_not() -> None:
    ground = Ground()
    body = ground.body(freeze=transaction.TransactionBody().freeze)
    assert refusal(lambda: ground.ingest(body)) == "NOT_SUPPORTED"
    assert refusal(lambda: ground.ingest(ground.body())) == "NOT_SUPPORTED"
    assert ground.records(body, FIRST) == []
