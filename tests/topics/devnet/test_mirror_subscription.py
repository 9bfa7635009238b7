"""A subscription gives each message once, from its start to its end."""

from __future__ import annotations

import pytest

from tests.topics.devnet.ground import NOON_NS, Ground
from topics.devnet import protos
from topics.devnet.mirror_parameters import MAX_INT64
from topics.devnet.mirror_subscription import Asked, InvalidQuery, Subscription, read_subscription
from topics.ledger.hapi import mirror_consensus
from topics.values import NANOS, TopicId

TOPIC = TopicId(0, 0, 7)


def query(start_ns: int | None = None, end_ns: int | None = None) -> mirror_consensus.ConsensusTopicQuery:
    return mirror_consensus.ConsensusTopicQuery(
        topicID=protos.topic(TOPIC),
        consensusStartTime=None if start_ns is None else protos.time(start_ns),
        consensusEndTime=None if end_ns is None else protos.time(end_ns),
    )


def test_what_is_asked_for() -> None:
    assert read_subscription(query(), NOON_NS) == Asked(TOPIC, NOON_NS, None, 0)
    exact = query(1_234_567_890_123_456_789, NOON_NS + 1)
    assert read_subscription(exact, NOON_NS) == Asked(TOPIC, 1_234_567_890_123_456_789, NOON_NS + 1, 0)
    with pytest.raises(InvalidQuery, match="topicID"):
        read_subscription(mirror_consensus.ConsensusTopicQuery(), NOON_NS)
    with pytest.raises(InvalidQuery, match="before the current time"):
        read_subscription(query(NOON_NS + 1), NOON_NS)
    with pytest.raises(InvalidQuery, match="after start time"):
        read_subscription(query(5, 5), NOON_NS)


def test_each_message_once() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    messages = ground.network.mirror.topics[topic_id].messages
    for _ in range(3):
        ground.run(ground.submit(topic_id))
    third_ns = messages.at(2).consensus_ns
    subscription = Subscription(Asked(topic_id, 0, None, 0), messages)
    assert [each.sequence for each in subscription.due(third_ns - 1)] == [1, 2]
    assert list(subscription.due(0)) == [], "nobody takes back what was given"
    assert [each.sequence for each in subscription.due(MAX_INT64)] == [3]
    assert list(subscription.due(MAX_INT64)) == []
    ground.run(ground.submit(topic_id))
    assert [each.sequence for each in subscription.due(MAX_INT64)] == [4]
    assert not subscription.ended(third_ns + 10**9 * NANOS)


def test_its_end() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    for _ in range(3):
        ground.run(ground.submit(topic_id))
    messages = ground.network.mirror.topics[topic_id].messages
    third_ns = messages.at(2).consensus_ns
    timed = Subscription(Asked(topic_id, 0, third_ns, 0), messages)
    assert not timed.ended(third_ns - 1)
    assert [each.sequence for each in timed.due(MAX_INT64)] == [1, 2]
    assert timed.ended(third_ns)
    limited = Subscription(Asked(topic_id, 0, None, 2), messages)
    assert [each.sequence for each in limited.due(MAX_INT64)] == [1, 2]
    assert limited.ended(0)
