"""Topics with other writers are looked at in turn, slowly, whatever their number."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.topics.client import Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.errors import Unavailable
from topics.mirror.foreign import SHARE_OF_REQUESTS, ForeignRound, WideSweep
from topics.mirror.sweep import Sweep
from topics.values import TopicId


class Clock:
    """A time that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def round_of(
    client: Client,
    now: Callable[[], float],
    topics: list[TopicId],
    *,
    interval_s: float = 10.0,
    per_s: float = 40.0,
) -> ForeignRound:
    async def listed() -> list[TopicId]:
        return topics

    return ForeignRound(client.mirror, listed, interval_s=interval_s, max_requests_per_s=per_s, now=now)


async def test_what_others_wrote_is_found_though_no_sweep_shows_it(devnet: Devnet, client: Client) -> None:
    clock = Clock()
    async with client_of(devnet, account=devnet.create_account()) as other:
        topic_id = await other.topic()
        foreign = round_of(client, clock, [topic_id])
        assert await foreign.moved() == {}
        await other.write(topic_id, b"x")
        assert await Sweep(client.mirror, client.ledger.payer, cursor_ns=0).moved() == {}
        assert await foreign.moved() == {}  # not its turn yet
        clock.now += 10
        [newest] = await client.mirror.messages(topic_id, after=0)
        assert await foreign.moved() == {topic_id: newest.consensus_ns}
        clock.now += 10
        assert await foreign.moved() == {}  # told once


async def test_each_has_its_turn_once_in_the_interval_and_costs_one_request(client: Client) -> None:
    clock, topics = Clock(), [TopicId(0, 0, 900_000 + number) for number in range(20)]
    foreign = round_of(client, clock, topics)
    await foreign.moved()
    before = client.mirror.requests
    for _ in range(10):
        clock.now += 1.0
        await foreign.moved()
    assert client.mirror.requests - before == 20
    clock.now += 3600  # a pause is not made up for at once
    await foreign.moved()
    assert client.mirror.requests - before <= 22


async def test_very_many_take_a_share_of_the_requests_and_no_more(client: Client) -> None:
    clock = Clock()
    topics = [TopicId(0, 0, 900_000 + number) for number in range(5000)]
    foreign = round_of(client, clock, topics, interval_s=1.0, per_s=40.0)
    before = client.mirror.requests
    for _ in range(3):
        clock.now += 1.0
        await foreign.moved()
    assert client.mirror.requests - before <= 3 * 40 * SHARE_OF_REQUESTS + 1


async def test_topics_come_and_go(client: Client) -> None:
    clock, one, two = Clock(), await client.topic(), await client.topic()
    for topic_id in (one, two):
        await client.write(topic_id, b"x")
    topics = [one]
    foreign = round_of(client, clock, topics, interval_s=1.0)
    assert list(await foreign.moved()) == [one]
    topics.append(two)
    clock.now += 1.0
    assert list(await foreign.moved()) == [two]
    topics.clear()
    clock.now += 1.0
    assert await foreign.moved() == {}


async def test_a_mirror_that_fails_delays_one_topic_and_loses_none(devnet: Devnet, client: Client) -> None:
    clock, topics = Clock(), [await client.topic() for _ in range(3)]
    for topic_id in topics:
        await client.write(topic_id, b"x")
    foreign = round_of(client, clock, topics, interval_s=1.0)
    devnet.faults.inject(Fault.MIRROR_UNREACHABLE, topic=topics[1])
    clock.now += 1.0
    with pytest.raises(Unavailable):
        await foreign.moved()
    devnet.faults.clear()
    found: set[TopicId] = set()
    for _ in range(3):
        clock.now += 1.0
        found |= set(await foreign.moved())
    assert found == set(topics)


async def test_beside_the_sweep_it_adds_what_others_wrote_and_holds_up_nothing(devnet: Devnet, client: Client) -> None:
    clock, payer, begun_ns = Clock(), client.ledger.payer, time.time_ns()
    async with client_of(devnet, account=devnet.create_account()) as other:
        ours, theirs = await client.topic(), await other.topic()
        await client.write(ours, b"x")
        await other.write(theirs, b"x")
        sweep = WideSweep(client.mirror, payer, round_of(client, clock, [theirs], interval_s=1.0), cursor_ns=begun_ns)
        devnet.faults.inject(Fault.MIRROR_UNREACHABLE, topic=theirs)
        assert list(await sweep.moved()) == [ours]
        devnet.faults.clear()
        sweep.commit()
        assert await sweep.moved() == {}
        clock.now += 1.0
        [newest] = await client.mirror.messages(theirs, after=0)
        assert await sweep.moved() == {theirs: newest.consensus_ns}
