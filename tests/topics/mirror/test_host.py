"""What everyone who asks a mirror shares: one pace, one back-off, and a log that tells changes and not requests."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time

import pytest

from topics.mirror.host import Host, Hosts, State
from topics.mirror.settings import MirrorSettings

SETTINGS = MirrorSettings(backoff_initial_s=1.0, backoff_max_s=8.0, max_requests_per_s=50.0)


def test_one_failure_is_no_news_and_the_second_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host = Host("m:443", SETTINGS)
    host.failed(100.0, "refused")
    assert caplog.messages == []
    for at in range(101, 110):
        host.failed(float(at), "refused")
    host.answered(110.0)
    assert [host.state] == [State.DOWN]  # it may be an accident that it answers
    host.answered(117.0)
    assert host.state is State.UP
    assert caplog.messages == ["mirror m:443 is down: refused", "mirror m:443 is up: it answers again"]


def test_back_off_doubles_to_its_limit_and_ends_with_an_answer() -> None:
    host, now, pauses = Host("m:443", SETTINGS), 100.0, []
    for _ in range(5):
        host.failed(now, "refused")
        pauses.append(host.ready_at - now)
        assert not host.is_ready(now)
        now = host.ready_at
    assert pauses == [1.0, 2.0, 4.0, 8.0, 8.0]
    host.answered(now)
    host.failed(now, "refused")
    assert host.ready_at == now + 1.0


def test_many_calls_that_fail_together_are_one_pause() -> None:
    host = Host("m:443", SETTINGS)
    for _ in range(100):
        host.failed(100.0, "refused")
    assert host.ready_at == 101.0


def test_429_holds_everybody_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    host = Host("m:443", SETTINGS)
    assert host.limited(100.0, pause_s=2.0) == 0.0
    assert host.limited(103.0, pause_s=2.0) == 3.0
    assert host.pace.reserve(103.0) >= 2.0
    assert host.state is State.LIMITED
    assert host.is_ready(103.0)
    assert caplog.messages == ["mirror m:443 is limited: it answers 429, too many requests"]
    host.answered(104.0)
    assert host.limited(200.0, pause_s=0.0) == 0.0


async def test_who_waits_already_heeds_a_wish_for_silence() -> None:
    host = Host("m:443", dataclasses.replace(SETTINGS, max_requests_per_s=10.0))
    began = time.monotonic()
    await host.turn()
    waiting = [asyncio.create_task(host.turn()) for _ in range(2)]
    await asyncio.sleep(0)
    host.limited(time.monotonic(), pause_s=0.4)
    await asyncio.gather(*waiting)
    assert time.monotonic() - began >= 0.4


async def test_a_crowd_that_gives_up_waiting_holds_up_nobody() -> None:
    host = Host("m:443", dataclasses.replace(SETTINGS, max_requests_per_s=10.0))
    crowd = [asyncio.create_task(host.turn()) for _ in range(1000)]  # a hundred seconds' worth
    await asyncio.sleep(0)
    for waiting in crowd:
        waiting.cancel()
    await asyncio.wait(crowd)
    assert host.pace.reserve(time.monotonic()) < 1.0


def test_an_address_is_one_host_in_whatever_spelling() -> None:
    hosts = Hosts(SETTINGS)
    assert hosts.of("https://Mirror.example/api/v1") is hosts.of("mirror.example:443")
    assert hosts.of("http://mirror.example") is not hosts.of("https://mirror.example")
    assert hosts.of("http://user:secret@mirror.example").name == "mirror.example:80"


def test_streams_share_the_pace_and_not_the_health() -> None:
    hosts = Hosts(SETTINGS)
    rest, streams = hosts.of("https://mirror.example"), hosts.of("mirror.example:443", side="streams")
    assert rest.pace is streams.pace
    streams.failed(100.0, "refused")
    assert rest.is_ready(100.0)


def test_what_is_shared_is_shared_for_addresses_that_come_later_too() -> None:
    hosts = Hosts(dataclasses.replace(SETTINGS, max_requests_per_s=2.0))
    known = hosts.of("https://a.example")
    hosts.shared_by(4)
    for host in (known, hosts.of("https://b.example")):
        assert [host.pace.reserve(50.0) for _ in range(2)] == [0.0, 2.0]
