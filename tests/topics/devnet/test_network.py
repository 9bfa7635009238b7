"""Time, ids and money: what happens between a node's yes and the mirror."""

from __future__ import annotations

from tests.topics.devnet.ground import FIRST, NOON_NS, SECOND, Ground
from tests.topics.devnet.refusals import refusal, status
from topics.devnet import protos
from topics.devnet.made_keys import make_ed25519
from topics.devnet.state import FEE_COLLECTION
from topics.fees import submit_fee
from topics.values import NANOS, TopicId

TOPIC = TopicId(0, 0, 7)


def test_consensus_then_the_mirror() -> None:
    ground = Ground(consensus_delay_s=3, mirror_delay_s=2)
    body = ground.submit(TOPIC)
    ground.ingest(body)
    ground.advance(2.9)
    assert ground.records(body) == []
    ground.advance(0.1)
    [record] = ground.records(body)
    assert record.consensus_ns == NOON_NS + 3 * NANOS + 1000
    assert ground.records(body, SECOND) == [record]
    ground.advance(1.9)
    assert ground.network.mirror.transaction(record.id) == []
    ground.advance(0.1)
    assert ground.network.mirror.transaction(record.id) == [record]


def test_it_knows_when_something_happens_next() -> None:
    ground = Ground(consensus_delay_s=3, mirror_delay_s=2)
    topic_id = ground.create_topic()
    ground.advance(10)
    assert ground.network.next_ns() is None
    ground.ingest(ground.submit(topic_id))
    began_ns = ground.now_ns
    assert ground.network.next_ns() == began_ns + 3 * NANOS
    ground.advance(3)
    assert ground.network.next_ns() == began_ns + 5 * NANOS
    ground.advance(2)
    assert ground.network.next_ns() is None


def test_consensus_times_only_rise() -> None:
    ground = Ground()
    bodies = [ground.submit(TOPIC) for _ in range(20)]
    for body in bodies:
        ground.ingest(body)
    ground.advance()
    times = [ground.records(body)[0].consensus_ns for body in bodies]
    assert times == sorted(set(times))


def test_with_jitter_one_overtakes_another_and_times_still_only_rise() -> None:
    ground = Ground(consensus_delay_s=3, consensus_jitter_s=2)
    bodies = [ground.submit(TOPIC) for _ in range(20)]
    for body in bodies:
        ground.ingest(body)
    ground.advance(2.9)
    assert [ground.records(body) for body in bodies] == [[]] * 20
    ground.advance(2.2)
    times = [ground.records(body)[0].consensus_ns for body in bodies]
    assert times != sorted(times)
    assert len(set(times)) == 20


def test_a_copy_through_another_node_is_a_duplicate_and_costs() -> None:
    ground = Ground(consensus_delay_s=3)
    body = ground.submit(TOPIC)
    ground.ingest(body)
    body.nodeAccountID.CopyFrom(protos.account(SECOND))
    ground.ingest(body, node=SECOND)
    ground.advance(3)
    first, copy = ground.records(body)
    assert (status(first), status(copy)) == ("INVALID_TOPIC_ID", "DUPLICATE_TRANSACTION")
    fee = submit_fee(message_bytes=5).without_service().total
    assert copy.charged == ground.settings.exchange_rate.tinybar(fee) < first.charged
    assert refusal(lambda: ground.ingest(body, node=SECOND)) == "DUPLICATE_TRANSACTION"
    assert ground.network.mirror.transaction(first.id) == [first, copy]


def test_too_late_at_consensus() -> None:
    ground = Ground(consensus_delay_s=30)
    topic_body = ground.submit(TOPIC, duration_s=15)
    balance = ground.balance(ground.operator)
    record = ground.run(topic_body)
    assert status(record) == "TRANSACTION_EXPIRED"
    assert record.charged == 0
    assert ground.balance(ground.operator) == balance


def test_fees_go_to_node_and_network() -> None:
    ground = Ground()
    record = ground.run(ground.submit(TOPIC))
    fee, rate = submit_fee(message_bytes=5), ground.settings.exchange_rate
    assert record.transfers == {
        ground.operator: -rate.tinybar(fee.total),
        FIRST: rate.tinybar(fee.node),
        FEE_COLLECTION: rate.tinybar(fee.total) - rate.tinybar(fee.node),
    }
    assert ground.network.mirror.accounts[ground.operator].balance == ground.balance(ground.operator)


def test_money_that_went_in_the_meantime() -> None:
    ground, key = Ground(consensus_delay_s=3), make_ed25519()
    fee = ground.settings.exchange_rate.tinybar(submit_fee(message_bytes=5).total)
    payer = ground.open_account(key, balance=fee + fee // 2)
    bodies = [ground.submit(TOPIC, payer=payer) for _ in range(2)]
    for body in bodies:
        ground.ingest(body, key)
    ground.advance(3)
    assert [status(ground.records(body)[0]) for body in bodies] == ["INVALID_TOPIC_ID", "INSUFFICIENT_PAYER_BALANCE"]
    assert ground.balance(payer) == 0


def test_receipts_are_forgotten() -> None:
    ground = Ground()
    body = ground.submit(TOPIC)
    record = ground.run(body)
    ground.advance(178)
    assert ground.records(body) == [record]
    ground.advance(2)
    assert ground.records(body) == []
    assert ground.network.mirror.transaction(record.id) == [record]


def test_receipts_are_forgotten_sooner_in_scaled_time() -> None:
    ground = Ground(time_scale=100)
    body = ground.submit(TOPIC, start_ns=ground.now_ns)
    ground.run(body)
    ground.advance(1.8)
    assert ground.records(body) == []
