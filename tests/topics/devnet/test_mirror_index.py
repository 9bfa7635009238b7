"""What the mirror has imported is found by time, payer, type, id and topic."""

from __future__ import annotations

from tests.topics.devnet.ground import NOON_NS, Ground
from topics.devnet.made_keys import make_ed25519
from topics.devnet.mirror_index import Timeline
from topics.devnet.record import Record
from topics.values import NANOS


def test_a_timeline_by_time() -> None:
    timeline: Timeline[str] = Timeline()
    assert timeline.first_ns() is None
    for at, row in ((10, "a"), (20, "b"), (30, "c")):
        timeline.append(at, row)
    assert timeline.first_ns() == 10
    assert len(timeline) == 3
    assert list(timeline.walk(timeline.indices(10, 20), descending=False)) == ["a", "b"]
    assert list(timeline.walk(timeline.indices(11, 99), descending=True)) == ["c", "b"]
    assert list(timeline.walk(timeline.indices(21, 29), descending=False)) == []
    assert timeline.at(2) == "c"
    early = timeline.until(20)
    assert (len(early), early.indices(0, 99), early.first_ns()) == (2, range(2), 10)
    assert (len(timeline.until(9)), timeline.until(9).first_ns()) == (0, None)


def test_everything_is_found() -> None:
    ground, key = Ground(), make_ed25519()
    payer = ground.open_account(key, balance=100 * 10**8)
    told: list[Record] = []
    ground.network.mirror.on_import.append(told.append)
    topic_id = ground.create_topic()
    mine = ground.run(ground.submit(topic_id))
    theirs = ground.run(ground.submit(topic_id, payer=payer), key)
    mirror = ground.network.mirror
    assert len(mirror.transactions()) == 3
    assert len(mirror.transactions(ground.operator)) == 2
    assert mirror.transactions(payer).at(0) == theirs
    assert mirror.transactions(ground.operator, "CONSENSUSSUBMITMESSAGE").at(0) == mine
    assert len(mirror.transactions(None, "CONSENSUSSUBMITMESSAGE")) == 2
    assert len(mirror.transactions(payer, "CONSENSUSCREATETOPIC")) == 0
    assert mirror.transaction(mine.id) == [mine]
    assert [message.sequence for message in mirror.topics[topic_id].messages.walk(range(2), descending=False)] == [1, 2]
    assert told[1:] == [mine, theirs]


def test_freshness_is_the_clock_less_the_delay() -> None:
    ground = Ground(mirror_delay_s=2)
    ground.advance(1)
    assert ground.network.mirror.fresh_ns == NOON_NS
    ground.advance(2)
    assert ground.network.mirror.fresh_ns == NOON_NS + NANOS


def test_balances_follow_the_import() -> None:
    ground = Ground(mirror_delay_s=2)
    before = ground.balance(ground.operator)
    ground.run(ground.transfer({ground.operator: 0}))
    assert ground.network.mirror.accounts[ground.operator].balance == before
    ground.advance(2)
    assert ground.network.mirror.accounts[ground.operator].balance == ground.balance(ground.operator) < before
