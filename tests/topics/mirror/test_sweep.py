"""One poll names the topics that moved; the cursor waits for the caller, and empty pages lead on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.topics.client import Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.errors import MalformedAnswer, Unavailable
from topics.mirror.sweep import Sweep
from topics.values import NANOS, TopicId


@asynccontextmanager
async def windowed(seconds: int) -> AsyncIterator[Client]:
    """A client of a network whose mirror looks at so much time per request."""
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, max_transactions_range_s=seconds)
    async with Devnet(settings) as devnet, client_of(devnet) as client:
        yield client


async def newest(client: Client, topic_id: TopicId) -> int:
    return (await client.mirror.messages(topic_id, after=0))[-1].consensus_ns


def sweep_of(client: Client, *, back_s: int = 60, max_pages: int = 100) -> Sweep:
    cursor_ns = time.time_ns() - back_s * NANOS
    return Sweep(client.mirror, client.ledger.payer, cursor_ns=cursor_ns, max_pages=max_pages)


async def test_moved_topics_with_their_newest_message(client: Client) -> None:
    one, two, quiet = [await client.topic() for _ in range(3)]
    for topic_id in (one, two, one):
        await client.write(topic_id, b"x")
    sweep = sweep_of(client)
    expected = {one: await newest(client, one), two: await newest(client, two)}
    assert await sweep.moved() == expected
    assert await sweep.moved() == expected  # the cursor didn't move by looking
    assert sweep.reached_ns == max(expected.values())
    sweep.commit()
    assert await sweep.moved() == {}
    await client.write(quiet, b"x")
    assert await sweep.moved() == {quiet: await newest(client, quiet)}


async def test_rows_tell_what_each_submission_was_charged(client: Client) -> None:
    topic_id = await client.topic()
    before = await client.ledger.balance()
    for _ in range(3):
        await client.write(topic_id, b"x")
    sweep = sweep_of(client)
    assert sweep.rows == []
    await sweep.moved()
    times = [row.consensus_ns for row in sweep.rows]
    assert times == sorted(set(times))
    assert sum(row.charged_tinybar for row in sweep.rows) == before - await client.ledger.balance() > 0
    sweep.commit()
    await sweep.moved()
    assert sweep.rows == []


async def test_a_partial_commit_names_the_rest_again(client: Client) -> None:
    one, two = await client.topic(), await client.topic()
    await client.write(one, b"x")
    await client.write(two, b"x")
    sweep = sweep_of(client)
    moved = await sweep.moved()
    sweep.commit(moved[one])
    assert await sweep.moved() == {two: moved[two]}
    sweep.commit(0)
    assert sweep.cursor_ns == moved[one]


async def test_failed_submissions_move_no_topic_but_the_reach(client: Client) -> None:
    sweep = sweep_of(client)
    before = sweep.reached_ns
    assert (await client.write(TopicId(0, 0, 999_999), b"x")).status == "INVALID_TOPIC_ID"
    assert await sweep.moved() == {}
    assert sweep.reached_ns > before
    sweep.commit()
    requests = client.mirror.requests
    assert await sweep.moved() == {}
    assert client.mirror.requests == requests + 1


async def test_more_than_a_page(client: Client) -> None:
    topics = [await client.topic() for _ in range(2)]
    for number in range(130):
        await client.write(topics[number % 2], b"x")
    sweep = sweep_of(client)
    assert await sweep.moved() == {topic_id: await newest(client, topic_id) for topic_id in topics}
    short = sweep_of(client, max_pages=1)
    assert max((await short.moved()).values()) < sweep.reached_ns
    short.commit()
    await short.moved()
    assert short.reached_ns == sweep.reached_ns


async def test_empty_pages_are_followed_to_the_rows_behind() -> None:
    async with windowed(seconds=10) as client:
        topic_id = await client.topic()
        await client.write(topic_id, b"x")
        assert await sweep_of(client, back_s=95).moved() == {topic_id: await newest(client, topic_id)}


async def test_empty_pages_are_bounded_and_the_next_sweep_goes_on() -> None:
    async with windowed(seconds=10) as client:
        topic_id = await client.topic()
        await client.write(topic_id, b"x")
        sweep = sweep_of(client, back_s=95, max_pages=4)
        found = [await sweep.moved() for _ in range(3)]
        assert found[0] == {}
        assert found[-1] == {topic_id: await newest(client, topic_id)}
        # nothing was found before, so nothing was passed over
        sweep.commit()
        assert await sweep.moved() == {}


async def test_a_mirror_that_fails_leaves_the_sweep_as_it_was(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    await client.write(topic_id, b"x")
    sweep = sweep_of(client)
    devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    with pytest.raises(Unavailable):
        await sweep.moved()
    devnet.faults.clear()
    assert sweep.reached_ns == sweep.cursor_ns
    assert list(await sweep.moved()) == [topic_id]


async def test_pages_that_repeat_are_not_turned_for_ever(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    for _ in range(130):
        await client.write(topic_id, b"x")
    devnet.faults.inject(Fault.PAGE_REPEATS)
    sweep, before = sweep_of(client), client.mirror.requests
    await sweep.moved()
    assert client.mirror.requests - before == 2
    assert len({row.consensus_ns for row in sweep.rows}) == len(sweep.rows) == 100
    devnet.faults.clear()
    sweep.commit()
    assert await sweep.moved() == {topic_id: sweep.reached_ns}
    assert len(sweep.rows) == 30


async def test_a_replica_that_is_behind_takes_nothing_from_the_cursor(devnet: Devnet, client: Client) -> None:
    topic_id = await client.topic()
    await client.write(topic_id, b"x")
    devnet.faults.inject(Fault.MIRROR_REPLICAS, lag_s=3600)
    sweep = sweep_of(client)
    found = [await sweep.moved() for _ in range(4)]
    assert sorted(map(len, found)) == [0, 0, 1, 1]
    devnet.faults.clear()
    assert await sweep.moved() == {topic_id: await newest(client, topic_id)}


async def test_a_row_from_the_future_cannot_take_the_cursor_with_it(client: Client) -> None:
    topic_id = await client.topic()
    await client.write(topic_id, b"x")
    cursor_ns = time.time_ns() - 7200 * NANOS
    now_ns = [cursor_ns]
    sweep = Sweep(client.mirror, client.ledger.payer, cursor_ns=cursor_ns, now_ns=lambda: now_ns[0])
    with pytest.raises(MalformedAnswer, match="in the future"):
        await sweep.moved()
    assert (sweep.reached_ns, sweep.rows) == (cursor_ns, [])
    now_ns[0] = time.time_ns()
    assert list(await sweep.moved()) == [topic_id]
