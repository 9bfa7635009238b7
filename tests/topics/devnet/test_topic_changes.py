"""Updates and deletions: who may, what changes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.topics.devnet.ground import Ground, topic_body
from tests.topics.devnet.refusals import refusal, status
from tests.topics.devnet.test_signatures import listed, threshold
from topics.devnet import protos
from topics.devnet.made_keys import MadeKey, make_ecdsa, make_ed25519
from topics.devnet.state import TopicEntity
from topics.ledger.hapi import basic_types, transaction
from topics.values import NANOS, AccountId, TopicId

ADMIN, SUBMIT, OTHER = make_ed25519(), make_ecdsa(), make_ed25519()
RENEW_S = 7_776_000


def updating(ground: Ground, topic_id: TopicId, **fields: Any) -> transaction.TransactionBody:
    body = ground.body()
    body.consensusUpdateTopic.topicID.CopyFrom(protos.topic(topic_id))
    for name, value in fields.items():
        if name == "memo":
            body.consensusUpdateTopic.memo.value = value
        else:
            getattr(body.consensusUpdateTopic, name).CopyFrom(value)
    return body


def deleting(ground: Ground, topic_id: TopicId) -> transaction.TransactionBody:
    body = ground.body()
    body.consensusDeleteTopic.topicID.CopyFrom(protos.topic(topic_id))
    return body


def created(ground: Ground, *signers: MadeKey, **keys: basic_types.Key) -> TopicId:
    record = ground.run(ground.body(consensusCreateTopic=topic_body(**keys)), ground.key, *signers)
    assert status(record) == "SUCCESS"
    assert record.created is not None
    return TopicId(0, 0, record.created.id.num)


def with_admin(ground: Ground) -> TopicId:
    return created(ground, ADMIN, adminKey=ADMIN.public, submitKey=SUBMIT.public)


def entity(ground: Ground, topic_id: TopicId) -> TopicEntity:
    return ground.network.state.topics[topic_id].entity


def test_an_update_changes_what_it_names() -> None:
    ground = Ground(mirror_delay_s=2)
    topic_id = with_admin(ground)
    ground.advance(2)
    before = entity(ground, topic_id)
    record = ground.run(updating(ground, topic_id, memo="new"), ground.key, ADMIN)
    assert (status(record), record.type, record.entity) == ("SUCCESS", "CONSENSUSUPDATETOPIC", topic_id)
    after = entity(ground, topic_id)
    assert (after.memo, after.admin_key, after.submit_key) == ("new", before.admin_key, before.submit_key)
    assert (after.changed_ns, after.expiry_ns // NANOS) == (record.consensus_ns, before.expiry_ns // NANOS)
    # 0.00022 USD, and the second signature.
    assert record.charged == ground.settings.exchange_rate.tinybar(3_200_000)
    ground.advance(1)
    assert ground.network.mirror.topics[topic_id].entity.memo == "hcs-bridge:1"
    ground.advance(1)
    assert ground.network.mirror.topics[topic_id].entity == after


def test_the_rest_of_it() -> None:
    ground = Ground()
    topic_id, renewer = with_admin(ground), ground.open_account(OTHER)
    fields = {
        "autoRenewPeriod": protos.seconds(3_000_000),
        "autoRenewAccount": protos.account(renewer),
        "submitKey": listed(),
        "adminKey": OTHER.public,
    }
    assert status(ground.run(updating(ground, topic_id, **fields), ground.key, ADMIN, OTHER)) == "SUCCESS"
    after = entity(ground, topic_id)
    assert (after.auto_renew_s, after.auto_renew_account) == (3_000_000, renewer)
    assert (after.submit_key, after.admin_key) == (None, OTHER.public)
    assert status(ground.run(ground.submit(topic_id))) == "SUCCESS"
    kept = updating(ground, topic_id, adminKey=listed())
    assert status(ground.run(kept, ground.key, OTHER)) == "AUTORENEW_ACCOUNT_NOT_ALLOWED"
    both = updating(ground, topic_id, adminKey=listed(), autoRenewAccount=basic_types.AccountID(accountNum=0))
    assert status(ground.run(both, ground.key, OTHER)) == "SUCCESS"
    after = entity(ground, topic_id)
    assert (after.admin_key, after.auto_renew_account) == (None, None)
    assert status(ground.run(updating(ground, topic_id, memo="x"), ground.key, OTHER)) == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("fields", "signers", "code"),
    [
        ({"memo": "x"}, [], "INVALID_SIGNATURE"),
        ({"memo": "x"}, [SUBMIT], "INVALID_SIGNATURE"),
        ({"memo": "x" * 101}, [ADMIN], "MEMO_TOO_LONG"),
        ({"adminKey": OTHER.public}, [ADMIN], "INVALID_SIGNATURE"),
        ({"adminKey": OTHER.public}, [OTHER], "INVALID_SIGNATURE"),
        ({"submitKey": OTHER.public}, [OTHER], "INVALID_SIGNATURE"),
        ({"submitKey": OTHER.public}, [SUBMIT], "SUCCESS"),
        ({"submitKey": OTHER.public}, [ADMIN], "SUCCESS"),
        ({"submitKey": OTHER.public, "memo": "x"}, [SUBMIT], "INVALID_SIGNATURE"),
        ({"submitKey": basic_types.Key(ed25519=b"short")}, [ADMIN], "BAD_ENCODING"),
        ({"autoRenewPeriod": protos.seconds(5)}, [ADMIN], "AUTORENEW_DURATION_NOT_IN_RANGE"),
        ({"autoRenewAccount": protos.account(AccountId(0, 0, 77))}, [ADMIN], "INVALID_AUTORENEW_ACCOUNT"),
        ({"autoRenewAccount": protos.account(AccountId(0, 0, 3))}, [ADMIN], "INVALID_SIGNATURE"),
        ({"fee_schedule_key": OTHER.public}, [ADMIN], "FEE_SCHEDULE_KEY_CANNOT_BE_UPDATED"),
        ({}, [ADMIN], "SUCCESS"),
        ({}, [], "INVALID_SIGNATURE"),
    ],
)
def test_who_may_and_what(fields: dict[str, Any], signers: list[MadeKey], code: str) -> None:
    ground = Ground()
    topic_id = with_admin(ground)
    before = entity(ground, topic_id)
    assert status(ground.run(updating(ground, topic_id, **fields), ground.key, *signers)) == code
    assert code == "SUCCESS" or entity(ground, topic_id) == before


def test_custom_fees_are_not_for_topics_without_their_key() -> None:
    ground = Ground()
    body = updating(ground, with_admin(ground))
    body.consensusUpdateTopic.custom_fees.SetInParent()
    assert status(ground.run(body, ground.key, ADMIN)) == "FEE_SCHEDULE_KEY_NOT_SET"


def test_anybody_may_extend_the_life_and_nothing_else() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    now_s, end_s = ground.now_ns // NANOS, entity(ground, topic_id).expiry_ns // NANOS
    for wanted_s, code in (
        (end_s - 1, "EXPIRATION_REDUCTION_NOT_ALLOWED"),
        (now_s + 8_000_002, "INVALID_EXPIRATION_TIME"),
        (end_s + 5, "SUCCESS"),
    ):
        longer = updating(ground, topic_id, expirationTime=protos.time(wanted_s * NANOS))
        assert status(ground.run(longer)) == code
    assert entity(ground, topic_id).expiry_ns == (end_s + 5) * NANOS
    for fields in ({"memo": "x"}, {"submitKey": OTHER.public}):
        assert status(ground.run(updating(ground, topic_id, **fields), ground.key, OTHER)) == "UNAUTHORIZED"


def test_a_deleted_topic_is_gone_for_everything_but_reading() -> None:
    ground = Ground()
    topic_id = with_admin(ground)
    ground.run(ground.submit(topic_id), ground.key, SUBMIT)
    assert status(ground.run(deleting(ground, topic_id))) == "INVALID_SIGNATURE"
    record = ground.run(deleting(ground, topic_id), ground.key, ADMIN)
    assert (status(record), record.entity) == ("SUCCESS", topic_id)
    assert record.charged == ground.settings.exchange_rate.tinybar(51_000_000)
    late = ground.run(ground.submit(topic_id), ground.key, SUBMIT)
    assert (status(late), late.charged > 0) == ("INVALID_TOPIC_ID", True)
    for again in (deleting(ground, topic_id), updating(ground, topic_id, memo="x")):
        assert status(ground.run(again, ground.key, ADMIN)) == "INVALID_TOPIC_ID"
    mirrored = ground.network.mirror.topics[topic_id]
    assert mirrored.entity.deleted
    assert len(mirrored.messages) == 1


def test_without_an_admin_key_there_is_no_end() -> None:
    ground = Ground()
    assert status(ground.run(deleting(ground, ground.create_topic()))) == "UNAUTHORIZED"
    assert status(ground.run(deleting(ground, TopicId(0, 0, 9)))) == "INVALID_TOPIC_ID"


def test_no_topic_named() -> None:
    ground = Ground()
    update, delete = ground.body(), ground.body()
    update.consensusUpdateTopic.memo.value = "x"
    delete.consensusDeleteTopic.SetInParent()
    for body in (update, delete):
        assert refusal(lambda body=body: ground.ingest(body)) == "INVALID_TOPIC_ID"  # type: ignore[misc]


def test_lists_and_thresholds_as_keys() -> None:
    ground = Ground()
    two_of_three = threshold(2, ADMIN.public, SUBMIT.public, OTHER.public)
    both = listed(ADMIN.public, OTHER.public)
    topic_id = created(ground, ADMIN, OTHER, adminKey=both, submitKey=two_of_three)
    assert status(ground.run(ground.submit(topic_id), ground.key, SUBMIT, OTHER)) == "SUCCESS"
    assert status(ground.run(ground.submit(topic_id), ground.key, OTHER)) == "INVALID_SIGNATURE"
    assert status(ground.run(updating(ground, topic_id, memo="x"), ground.key, ADMIN)) == "INVALID_SIGNATURE"
    assert status(ground.run(updating(ground, topic_id, memo="x"), ground.key, ADMIN, OTHER)) == "SUCCESS"
    record = ground.network.mirror.transactions(None, "CONSENSUSCREATETOPIC").at(0)
    # 0.01 USD for the topic and for each of its five simple keys, and two signatures more than one.
    assert record.charged == ground.settings.exchange_rate.tinybar(602_000_000)
