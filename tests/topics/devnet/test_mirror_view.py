"""A view ends where it is told: what came later isn't in it, on no page."""

from __future__ import annotations

from tests.topics.devnet.ground import Ground
from topics.devnet.made_keys import make_ed25519
from topics.devnet.mirror_view import MirrorView
from topics.values import TopicId


def test_the_whole_index_unless_told() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    record = ground.run(ground.submit(topic_id))
    view = MirrorView(ground.network.mirror)
    topic = view.topic(topic_id)
    assert topic is not None
    assert len(topic.messages) == 1
    assert view.fresh_ns == ground.network.mirror.fresh_ns
    assert view.transaction(record.id) == [record]
    assert view.topic(TopicId(0, 0, 99999)) is None


def test_as_of_a_time() -> None:
    ground = Ground()
    topic_id = ground.create_topic()
    first = ground.run(ground.submit(topic_id))
    view = MirrorView(ground.network.mirror, horizon_ns=first.consensus_ns)
    ground.advance(5)
    second, later = ground.run(ground.submit(topic_id)), ground.create_topic()
    account = ground.open_account(make_ed25519())
    topic = view.topic(topic_id)
    assert topic is not None
    assert [each.sequence for each in topic.messages.walk(topic.messages.indices(0, 10**20), descending=False)] == [1]
    assert len(topic.messages) == 1
    assert view.topic(later) is None
    assert view.account(account) is None
    assert view.account(ground.operator) is not None
    assert (view.transaction(first.id), view.transaction(second.id)) == ([first], [])
    assert len(view.transactions(ground.operator, "CONSENSUSSUBMITMESSAGE")) == 1
    assert view.fresh_ns == first.consensus_ns
    assert MirrorView(ground.network.mirror, horizon_ns=0).transactions().first_ns() is None
