"""A second mirror is asked about a sample: what only one of them shows is told, by name and place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.topics.client import QUICK_MIRROR, Client
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault, Field
from topics.errors import MirrorsDisagree
from topics.mirror.cross_check import CrossCheck
from topics.mirror.rest import Mirror
from topics.values import TopicId


@pytest.fixture
async def mirror(devnet: Devnet) -> AsyncIterator[Mirror]:
    first, second = (each.rest.url for each in devnet.mirrors)
    mirror = Mirror(first, QUICK_MIRROR, others=[second])
    yield mirror
    await mirror.close()


async def topic(client: Client, count: int = 4) -> TopicId:
    topic_id = await client.topic()
    for number in range(count):
        await client.write(topic_id, b"%d" % number)
    return topic_id


async def test_two_that_agree(devnet: Devnet, client: Client, mirror: Mirror) -> None:
    check = CrossCheck(mirror, share=1.0, max_unchecked=10)
    check.sample(await mirror.messages(await topic(client), after=0))
    await check.compare()
    await check.compare()
    assert (check.agreed, check.unchecked) == (4, 0)
    assert devnet.mirrors[1].rest.requests == 4


@pytest.mark.parametrize(
    ("field", "what"),
    [
        (Field.MESSAGE, "message"),
        (Field.RUNNING_HASH, "running_hash"),
        (Field.SEQUENCE, "sequence"),
        (Field.TIMESTAMP, "consensus_ns"),
        (Field.PAYER, "payer"),
        (Field.CHUNK, "chunk"),
        (Field.TOPIC, "topic_id"),
    ],
)
async def test_what_differs_is_named(devnet: Devnet, client: Client, mirror: Mirror, field: Field, what: str) -> None:
    topic_id = await topic(client)
    check = CrossCheck(mirror, share=1.0, max_unchecked=10)
    check.sample(await mirror.messages(topic_id, after=0))
    devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=1, sequence=3, field=field)
    with pytest.raises(MirrorsDisagree, match=f"topic {topic_id}: {what} of sequence number") as caught:
        await check.compare()
    assert caught.value.what == what
    assert "mirror.urls" in caught.value.hint


async def test_a_forged_tail_that_is_consistent_in_itself_is_found(
    devnet: Devnet, client: Client, mirror: Mirror
) -> None:
    topic_id = await topic(client)
    devnet.faults.inject(Fault.MESSAGE_FORGED, mirror=0, from_sequence=3)
    check = CrossCheck(mirror, share=1.0, max_unchecked=10)
    check.sample(await mirror.messages(topic_id, after=0))
    with pytest.raises(MirrorsDisagree, match="sequence number 3"):
        await check.compare()
    with pytest.raises(MirrorsDisagree, match="sequence number 4"):
        await check.compare()
    assert check.agreed == 2


async def test_what_the_second_does_not_have_yet_waits(devnet: Devnet, client: Client, mirror: Mirror) -> None:
    check = CrossCheck(mirror, share=1.0, max_unchecked=3)
    topic_id = await topic(client)
    devnet.faults.inject(Fault.MIRROR_LAG, mirror=1, lag_s=3600)
    check.sample(await mirror.messages(topic_id, after=0))
    await check.compare()
    assert (check.agreed, check.unchecked) == (0, 1)  # no more than three wait
    devnet.faults.clear()
    devnet.faults.inject(Fault.MIRROR_UNREACHABLE, mirror=1)
    await check.compare()
    devnet.faults.clear()
    await check.compare()
    assert (check.agreed, check.unchecked) == (3, 1)


async def test_the_share_is_the_share(client: Client, mirror: Mirror) -> None:
    shown = await mirror.messages(await topic(client), after=0)
    draws = iter([0.1, 0.9, 0.2, 0.8])
    check = CrossCheck(mirror, share=0.5, max_unchecked=10, draw=lambda: next(draws))
    check.sample(shown)
    await check.compare()
    assert check.agreed == 2
    nothing = CrossCheck(mirror, share=0.0, max_unchecked=10)
    before = mirror.requests
    nothing.sample(shown)
    await nothing.compare()
    assert mirror.requests == before


@pytest.mark.parametrize("shown_by", [0, 1])
async def test_a_message_is_compared_with_the_other_mirror_whoever_answers_meanwhile(
    devnet: Devnet, client: Client, mirror: Mirror, shown_by: int
) -> None:
    topic_id, other = await topic(client, 1), 1 - shown_by
    check = CrossCheck(mirror, share=1.0, max_unchecked=10)
    devnet.faults.inject(Fault.MIRROR_UNAVAILABLE, mirror=other)
    check.sample(await mirror.messages(topic_id, after=0))
    devnet.faults.clear()
    devnet.faults.inject(Fault.MIRROR_UNAVAILABLE, mirror=shown_by)
    await mirror.newest_message(topic_id)
    devnet.faults.clear()
    before = [each.rest.requests for each in devnet.mirrors]
    await check.compare()
    assert check.agreed == 1
    assert [each.rest.requests - then for each, then in zip(devnet.mirrors, before, strict=True)] == [shown_by, other]


async def test_nobody_is_compared_with_himself_where_the_other_is_distrusted(
    devnet: Devnet, client: Client, mirror: Mirror
) -> None:
    """It counts as unchecked, and holds up nothing behind it."""
    lied_about, well = await topic(client, 1), await topic(client, 1)
    liar = (await mirror.messages(lied_about, after=0)).source
    assert mirror.mirrors.distrust(lied_about, liar)
    check = CrossCheck(mirror, share=1.0, max_unchecked=10)
    for topic_id in (lied_about, well):
        check.sample(await mirror.messages(topic_id, after=0))
    before = mirror.requests
    await check.compare()
    assert (check.agreed, check.unchecked, mirror.requests) == (1, 1, before + 1)


async def test_run_logs_what_differs_and_goes_on(
    devnet: Devnet, client: Client, mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    topic_id = await topic(client)
    devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=1, sequence=2, field=Field.MESSAGE)
    check = CrossCheck(mirror, share=1.0, max_unchecked=10)
    check.sample(await mirror.messages(topic_id, after=0))
    running = asyncio.create_task(check.run(interval_s=0.01))
    async with asyncio.timeout(5):
        while check.agreed < 3:  # noqa: ASYNC110 # only its counts tell
            await asyncio.sleep(0.01)
    running.cancel()
    [told] = [each.message for each in caplog.records if each.levelname == "ERROR"]
    assert told.startswith(f"topic {topic_id}: message of sequence number 2 is ")
    assert "mirror.urls" in told
