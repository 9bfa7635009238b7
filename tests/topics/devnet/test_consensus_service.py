"""Topics and messages: what consensus makes of them, and what it refuses, for the full price."""

from __future__ import annotations

from typing import Any

import pytest

from tests.topics.devnet.ground import FIRST, Ground, topic_body
from tests.topics.devnet.refusals import refusal, status
from topics.devnet import protos
from topics.devnet.made_keys import make_ecdsa, make_ed25519
from topics.devnet.state import TopicEntity
from topics.fees import create_topic_fee
from topics.ledger.hapi import basic_types, submit_message
from topics.running_hash import Verifier
from topics.values import START, AccountId, ChunkInfo, TopicId, TransactionId


def test_a_topic_is_created_as_asked() -> None:
    ground, submit_key = Ground(), make_ecdsa()
    created = topic_body(
        memo="m",
        submitKey=submit_key.public,
        adminKey=ground.key.public,
        autoRenewAccount=protos.account(ground.operator),
    )
    record = ground.run(ground.body(consensusCreateTopic=created))
    entity = record.created
    assert isinstance(entity, TopicEntity)
    assert entity == TopicEntity(
        id=TopicId(0, 0, 1002),
        memo="m",
        admin_key=ground.key.public,
        submit_key=submit_key.public,
        auto_renew_s=7_776_000,
        auto_renew_account=ground.operator,
        created_ns=record.consensus_ns,
    )
    assert record.entity == entity.id
    fee = create_topic_fee(keys=2).total
    assert record.charged == ground.settings.exchange_rate.tinybar(fee)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"memo": "x" * 101}, "MEMO_TOO_LONG"),
        ({"autoRenewPeriod": protos.seconds(2_591_999)}, "AUTORENEW_DURATION_NOT_IN_RANGE"),
        ({"autoRenewPeriod": protos.seconds(8_000_002)}, "AUTORENEW_DURATION_NOT_IN_RANGE"),
        ({"adminKey": make_ed25519().public}, "INVALID_SIGNATURE"),
        ({"adminKey": basic_types.Key()}, "BAD_ENCODING"),
        ({"submitKey": basic_types.Key(keyList=basic_types.KeyList())}, "BAD_ENCODING"),
        ({"autoRenewAccount": protos.account(AccountId(0, 0, 77))}, "INVALID_AUTORENEW_ACCOUNT"),
        ({"autoRenewAccount": protos.account(FIRST)}, "INVALID_SIGNATURE"),
    ],
)
def test_topics_refused_at_consensus_and_charged(fields: dict[str, Any], code: str) -> None:
    ground = Ground()
    record = ground.run(ground.body(consensusCreateTopic=topic_body(**fields)))
    assert status(record) == code
    assert record.created is None
    assert record.charged > 0
    assert ground.create_topic() == TopicId(0, 0, 1002), "a refused transaction uses no number"


def test_messages_are_numbered_and_hashed() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    verifier = Verifier(topic_id, START)
    for number in range(1, 4):
        record = ground.run(ground.submit(topic_id, b"message %d" % number))
        assert record.message is not None
        assert record.message.sequence == number
        assert record.message.payer == ground.operator
        verifier.accept(record.message)
    assert verifier.position == ground.network.state.topics[topic_id].position


def test_the_submit_key() -> None:
    ground, submit_key = Ground(), make_ecdsa()
    topic_id = ground.create_topic(submitKey=submit_key.public)
    assert status(ground.run(ground.submit(topic_id))) == "INVALID_SIGNATURE"
    assert status(ground.run(ground.submit(topic_id), ground.key, make_ecdsa())) == "INVALID_SIGNATURE"
    assert status(ground.run(ground.submit(topic_id), ground.key, submit_key)) == "SUCCESS"


def test_found_only_after_consensus_and_charged() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    unknown = ground.run(ground.submit(TopicId(0, 0, 99)))
    assert (status(unknown), unknown.entity) == ("INVALID_TOPIC_ID", TopicId(0, 0, 99))
    too_large = ground.run(ground.submit(topic_id, b"x" * 1025))
    assert status(too_large) == "MESSAGE_SIZE_TOO_LARGE"
    assert unknown.charged > 0
    assert too_large.charged > unknown.charged
    assert status(ground.run(ground.submit(topic_id, b"x" * 1024))) == "SUCCESS"


def test_found_at_once() -> None:
    ground = Ground()
    assert refusal(lambda: ground.ingest(ground.submit(TopicId(0, 0, 7), b""))) == "INVALID_TOPIC_MESSAGE"
    nowhere = ground.body(consensusSubmitMessage=submit_message.ConsensusSubmitMessageTransactionBody(message=b"x"))
    assert refusal(lambda: ground.ingest(nowhere)) == "INVALID_TOPIC_ID"


def chunk(number: int, total: int, initial: TransactionId) -> submit_message.ConsensusMessageChunkInfo:
    return submit_message.ConsensusMessageChunkInfo(
        initialTransactionID=protos.transaction_id(initial), number=number, total=total
    )


@pytest.mark.parametrize(
    ("number", "total", "foreign", "other", "code"),
    [
        (0, 1, False, False, "INVALID_CHUNK_NUMBER"),
        (3, 2, False, False, "INVALID_CHUNK_NUMBER"),
        (2, 3, True, False, "INVALID_CHUNK_TRANSACTION_ID"),
        (1, 3, False, True, "INVALID_CHUNK_TRANSACTION_ID"),
        (1, 3, False, False, "SUCCESS"),
        (1, 1, False, False, "SUCCESS"),
        (3, 3, False, True, "SUCCESS"),
    ],
)
def test_chunks(number: int, total: int, foreign: bool, other: bool, code: str) -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    start_ns = ground.now_ns
    initial = TransactionId(FIRST if foreign else ground.operator, start_ns - other)
    record = ground.run(ground.submit(topic_id, chunk=chunk(number, total, initial), start_ns=start_ns))
    assert status(record) == code
    if record.message is not None:
        assert record.message.chunk == ChunkInfo(initial, number, total)
