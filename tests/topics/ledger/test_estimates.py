"""An estimate is what the network charges: the same bytes, the same signatures, the same prices."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from topics.fees import INCLUDED_TRANSACTION_BYTES, create_topic_fee, submit_fee
from topics.ledger.estimates import create_estimate, submit_estimate
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Submission, TopicCreate
from topics.ledger.transactions import create_transaction, submit_transaction
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

NODE, ID = AccountId(0, 0, 4), TransactionId(AccountId(0, 0, 1001), 1_795_380_000_123_456_789)
KEY = OperatorKey(ec.generate_private_key(ec.SECP256K1()))


@pytest.mark.parametrize("length", [1, 100, 101, 1024, 1300, 5000])
@pytest.mark.parametrize("chunk", [None, ChunkInfo(ID, 2, 3)])
def test_a_message(length: int, chunk: ChunkInfo | None) -> None:
    submission = Submission(ID, TopicId(0, 0, 7001), os.urandom(length), chunk, 120, 200_000_000)
    size = len(submit_transaction(submission, node=NODE, key=KEY).SerializeToString())
    assert submit_estimate(submission) == submit_fee(message_bytes=length, transaction_bytes=size)
    assert (length > 1200) == (size > INCLUDED_TRANSACTION_BYTES)


@pytest.mark.parametrize("admin_key", [False, True])
def test_a_topic(admin_key: bool) -> None:
    create = TopicCreate(ID, "x" * 100, admin_key=admin_key, max_fee_tinybar=10**9, auto_renew_s=7_776_000)
    size = len(create_transaction(create, node=NODE, key=KEY).SerializeToString())
    assert create_estimate(create) == create_topic_fee(keys=1 + admin_key, transaction_bytes=size)
