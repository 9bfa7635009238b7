"""Several mirrors: who stands in for one that fails, lags or lies, and when the first is asked again."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.topics.client import QUICK_MIRROR, Client, client_of
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault, Field
from topics.devnet.settings import DevnetSettings
from topics.errors import NoSecondMirror, RunningHashMismatch, Unavailable
from topics.mirror.mirrors import Mirrors
from topics.mirror.rest import Mirror
from topics.network_time import NetworkTime
from topics.running_hash import Verifier
from topics.values import NANOS, START, TopicId

SETTINGS = dataclasses.replace(QUICK_MIRROR, backoff_max_s=0.05, max_limited_s=0.1, max_lag_s=5.0)
NOWHERE = TopicId(0, 0, 999_999)


@dataclass(frozen=True, slots=True)
class Pair:
    """A network with two mirrors, and who reads from both."""

    devnet: Devnet
    client: Client
    mirror: Mirror
    ahead_ns: list[int]
    """By how much the network's clock is ahead: once that is some seconds there is a block."""

    @property
    def urls(self) -> list[str]:
        return [each.rest.url for each in self.devnet.mirrors]

    @property
    def asked(self) -> list[int]:
        return [each.requests for each in self.mirror.mirrors]

    async def who(self, topic_id: TopicId = NOWHERE) -> list[int]:
        """Which mirrors are asked now, and how often."""
        before = self.asked
        await self.mirror.messages(topic_id, after=0)
        return [now - then for now, then in zip(self.asked, before, strict=True)]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    ahead_ns = [0]
    settings = DevnetSettings(
        consensus_delay_s=0, mirror_delay_s=0, mirrors=2, clock=lambda: time.time_ns() + ahead_ns[0]
    )
    async with Devnet(settings) as devnet, client_of(devnet) as client:
        first, second = (each.rest.url for each in devnet.mirrors)
        mirror = Mirror(first, SETTINGS, others=[second])
        try:
            yield Pair(devnet, client, mirror, ahead_ns)
        finally:
            await mirror.close()


async def test_while_all_is_well_only_the_first_is_asked(pair: Pair) -> None:
    assert [await pair.who() for _ in range(3)] == [[1, 0]] * 3
    assert pair.mirror.url == pair.devnet.mirrors[0].rest.url


@pytest.mark.parametrize("fault", [Fault.MIRROR_UNREACHABLE, Fault.MIRROR_UNAVAILABLE])
async def test_one_that_fails_is_left_at_once_and_comes_back_when_it_is_well(pair: Pair, fault: Fault) -> None:
    pair.devnet.faults.inject(fault, mirror=0)
    assert await pair.who() == [1, 1]
    assert pair.mirror.url == pair.devnet.mirrors[1].rest.url
    pair.devnet.faults.clear()
    await pair.mirror.mirrors.check()
    assert await pair.who() == [1, 0]


async def test_without_a_look_at_its_health_the_first_is_tried_again_after_a_pause(pair: Pair) -> None:
    pair.devnet.faults.inject(Fault.MIRROR_UNREACHABLE, mirror=0)
    await pair.who()
    pair.devnet.faults.clear()
    async with asyncio.timeout(5):
        while await pair.who() != [1, 0]:  # noqa: ASYNC110 # asks the mirror
            await asyncio.sleep(0.01)


async def test_429_is_waited_out_when_short_and_fled_when_long(pair: Pair) -> None:
    pair.devnet.faults.inject(Fault.MIRROR_TOO_MANY_REQUESTS, mirror=0, times=1)
    assert await pair.who() == [2, 0]
    pair.devnet.faults.inject(Fault.MIRROR_TOO_MANY_REQUESTS, mirror=0, retry_after_s=60)
    assert await pair.who() == [1, 1]


async def test_when_all_fail_the_call_does_after_some_attempts(pair: Pair) -> None:
    pair.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    with pytest.raises(Unavailable):
        await pair.mirror.messages(NOWHERE, after=0)
    assert sum(pair.asked) == SETTINGS.max_attempts
    assert min(pair.asked) > 0


async def test_one_that_is_behind_is_left_until_it_has_caught_up(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    pair.devnet.faults.inject(Fault.MIRROR_LAG, mirror=0, lag_s=60)
    await pair.client.topic()
    pair.ahead_ns[0] = 10 * NANOS
    await pair.mirror.mirrors.check()
    await pair.mirror.mirrors.check()
    assert await pair.who() == [0, 1]
    pair.devnet.faults.clear()
    await pair.mirror.mirrors.check()
    assert await pair.who() == [1, 0]
    told = [record.message for record in caplog.records if "mirror http" in record.message]
    assert [("behind" in each, "caught up" in each) for each in told] == [(True, False), (False, True)]


async def test_one_whose_answer_does_not_verify_is_left_for_that_topic_alone(pair: Pair) -> None:
    topic_id, other = await pair.client.topic(), await pair.client.topic()
    for each in (topic_id, other):
        await pair.client.write(each, b"x")
    pair.devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=0, field=Field.MESSAGE)
    page = await pair.mirror.messages(topic_id, after=0)
    with pytest.raises(RunningHashMismatch):
        Verifier(topic_id, START).accept(page[0])
    assert pair.mirror.mirrors.distrust(topic_id, page.source)
    page = await pair.mirror.messages(topic_id, after=0)
    assert Verifier(topic_id, START).accept(page[0]).sequence == 1
    assert await pair.who(other) == [1, 0]
    # the second lies as well: nobody is left, and an operator who resumes the topic begins with the first
    assert not pair.mirror.mirrors.distrust(topic_id, page.source)
    assert await pair.who(topic_id) == [1, 0]


async def test_the_verdict_meets_who_showed_the_page_whoever_answers_meanwhile(pair: Pair) -> None:
    topic_id = await pair.client.topic()
    shown_by_first = await pair.mirror.messages(topic_id, after=0)
    pair.devnet.faults.inject(Fault.MIRROR_UNREACHABLE, mirror=0)
    shown_by_second = await pair.mirror.messages(topic_id, after=0)
    assert [page.source for page in (shown_by_first, shown_by_second)] == pair.urls
    pair.devnet.faults.clear()
    await pair.mirror.mirrors.check()
    assert pair.mirror.mirrors.distrust(topic_id, shown_by_first.source)
    assert await pair.who(topic_id) == [0, 1]
    pair.mirror.mirrors.trust(topic_id)
    assert pair.mirror.mirrors.distrust(topic_id, shown_by_second.source)
    assert await pair.who(topic_id) == [1, 0]


async def test_no_more_topics_are_kept_than_allowed_and_a_forgotten_liar_is_found_out_again(pair: Pair) -> None:
    first, second = pair.mirror.mirrors
    mirrors = Mirrors([first, second], dataclasses.replace(SETTINGS, max_distrusted=2))
    topics = [TopicId(0, 0, 900_000 + number) for number in range(3)]
    for topic_id in topics:
        assert mirrors.distrust(topic_id, first.url)

    async def asked(topic_id: TopicId) -> str:
        return (await mirrors.ask(f"/api/v1/topics/{topic_id}/messages", lambda *_: None, topic_id))[1]

    assert [await asked(topic_id) for topic_id in topics] == [first.url, second.url, second.url]
    assert mirrors.distrust(topics[0], first.url)
    assert await asked(topics[0]) == second.url


async def test_a_distrusted_mirror_is_not_fled_to_when_the_other_fails(pair: Pair) -> None:
    topic_id = await pair.client.topic()
    pair.mirror.mirrors.distrust(topic_id, pair.urls[0])
    pair.devnet.faults.inject(Fault.MIRROR_UNREACHABLE, mirror=1)
    before = pair.asked
    with pytest.raises(Unavailable):
        await pair.mirror.messages(topic_id, after=0)
    assert pair.asked[0] == before[0]
    pair.devnet.faults.clear()
    await pair.mirror.mirrors.check()
    pair.devnet.faults.inject(Fault.MIRROR_TOO_MANY_REQUESTS, mirror=1, retry_after_s=60)
    before = pair.asked
    with pytest.raises(Unavailable):
        await pair.mirror.messages(topic_id, after=0)
    assert pair.asked == [before[0], before[1] + 1]  # a long wish is the caller's: there is nobody else
    pair.mirror.mirrors.trust(topic_id)
    assert (await pair.who(topic_id))[0] == 1


async def test_a_mirror_that_claims_to_be_in_the_future_makes_nobody_look_old(pair: Pair) -> None:
    """The second shows the network's time, the first is late: by the clock given here both are far in the future."""
    pair.devnet.faults.inject(Fault.MIRROR_LAG, mirror=0, lag_s=60)
    await pair.client.topic()
    pair.ahead_ns[0] = 10 * NANOS
    mirrors = Mirrors(list(pair.mirror.mirrors), SETTINGS, now_ns=lambda: time.time_ns() - 3600 * NANOS)
    await mirrors.check()
    assert mirrors.wanted.url == pair.devnet.mirrors[0].rest.url


async def test_our_clock_may_be_set_back_while_mirrors_are_compared(pair: Pair) -> None:
    """By the time that the network showed before, none of them is in the future."""
    set_by_ns = 3600 * NANOS
    network_time = NetworkTime(lambda: time.time_ns() + set_by_ns)
    first, second = pair.urls
    mirror = Mirror(first, SETTINGS, others=[second], network_time=network_time)
    try:
        pair.ahead_ns[0] = 3600 * NANOS
        await mirror.latest_consensus_ns()
        set_by_ns = 0
        pair.devnet.faults.inject(Fault.MIRROR_LAG, mirror=0, lag_s=60)
        await mirror.mirrors.check()
        assert mirror.url == second
    finally:
        await mirror.close()


async def test_alone_there_is_nobody_to_turn_to(client: Client) -> None:
    topic_id = await client.topic()
    with pytest.raises(NoSecondMirror, match=r"mirror\.urls names none beside"):
        await client.mirror.message_elsewhere(topic_id, 1, source=client.mirror.url)
    assert not client.mirror.mirrors.distrust(topic_id, client.mirror.url)


async def test_run_checks_until_it_is_cancelled(pair: Pair) -> None:
    running = asyncio.create_task(pair.mirror.mirrors.run())
    async with asyncio.timeout(5):
        while min(pair.asked) == 0:  # noqa: ASYNC110 # only its requests tell
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
