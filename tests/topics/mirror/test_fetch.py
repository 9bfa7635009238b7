"""What one request tells its host; how patiently many are made is in test_rest_manners."""

from __future__ import annotations

import contextlib
import dataclasses
import time

import pytest

from tests.topics.client import QUICK_MIRROR
from tests.topics.mirror.test_rest_manners import answering, error, fine
from topics.errors import MalformedAnswer, Rejected, Unavailable
from topics.mirror.host import Hosts, State
from topics.mirror.rest import Mirror
from topics.values import TopicId

TOPIC = TopicId(0, 0, 7)
ONCE = dataclasses.replace(QUICK_MIRROR, max_attempts=1, backoff_initial_s=5.0, backoff_max_s=5.0)


@pytest.mark.parametrize(
    ("status", "text", "is_ready"), [(503, "", False), (200, "nonsense", False), (400, "no", True), (404, "", True)]
)
async def test_an_answer_that_is_no_answer_counts_against_the_mirror(status: int, text: str, is_ready: bool) -> None:
    async with answering(error(status, text), settings=ONCE) as mirror:
        with pytest.raises((Unavailable, Rejected, MalformedAnswer)):
            await mirror.messages(TOPIC, after=0)
        [fetch] = mirror.mirrors
        assert fetch.host.ready_at == 0.0 if is_ready else fetch.host.ready_at > 0.0


async def test_statuses_that_mean_nothing_are_counted_together() -> None:
    async with answering(error(429), error(777), error(778), error(404), settings=ONCE) as mirror:
        [fetch] = mirror.mirrors
        for _ in range(4):
            with contextlib.suppress(Unavailable, Rejected):
                await mirror.messages(TOPIC, after=0)
            fetch.host.ready_at = 0.0
        assert fetch.answers == {"429": 1, "other": 2, "404": 1}


async def test_429_for_long_takes_the_mirror_out() -> None:
    async with answering(error(429), settings=dataclasses.replace(ONCE, max_limited_s=0.0)) as mirror:
        [fetch] = mirror.mirrors
        for _ in range(3):
            with pytest.raises(Unavailable):
                await mirror.messages(TOPIC, after=0)
        assert fetch.host.state is State.DOWN
        assert fetch.host.ready_at > 0.0


async def test_one_that_is_silent_is_left_alone_until_somebody_has_looked_after_it() -> None:
    hasty = dataclasses.replace(ONCE, request_timeout_s=0.05, check_interval_s=20.0)
    async with answering(0.5, settings=hasty) as mirror:
        with pytest.raises(Unavailable, match="no answer"):
            await mirror.messages(TOPIC, after=0)
        [fetch] = mirror.mirrors
        assert fetch.host.ready_at > time.monotonic() + 19.0


async def test_two_clients_of_one_host_keep_one_pace() -> None:
    hosts = Hosts(QUICK_MIRROR)
    async with answering(error(429, Retry_After="1"), fine(), settings=ONCE) as mirror:
        one, two = (Mirror(mirror.url, ONCE, hosts=hosts) for _ in range(2))
        with pytest.raises(Unavailable):
            await one.messages(TOPIC, after=0)
        [fetch] = two.mirrors
        assert fetch.host.state is State.LIMITED
        assert await two.messages(TOPIC, after=0) == []
        for each in (one, two):
            await each.close()
