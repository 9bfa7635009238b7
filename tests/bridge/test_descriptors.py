"""File descriptors: all that may be had are taken, too few are told, and none left is a line and not a flood."""

from __future__ import annotations

import asyncio
import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from bridge.config import Config
from bridge.config_sections import Gateway
from bridge.descriptors import OWN, Shortage, any_left, needed, take_all


@contextmanager
def soft_limit(soft: int) -> Iterator[int]:
    """The process has this one inside the block, and what it may have at most comes back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def with_clients(number: int) -> Config:
    return Config(gateway=Gateway(max_connections=number))


def test_the_soft_limit_is_raised_and_nothing_said_where_that_does() -> None:
    rest = needed(with_clients(1)) - 1
    with soft_limit(512) as hard, capture_logs() as logs:
        take_all(with_clients(hard - rest))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    assert logs == []


def test_too_few_are_told_with_both_numbers_and_what_to_do() -> None:
    with soft_limit(512) as hard, capture_logs() as logs:
        take_all(config := with_clients(hard))
    [line] = logs
    assert (line["limit"], line["needed"]) == (hard, needed(config))
    assert "LimitNOFILE=" in line["hint"]
    assert "gateway.max_connections" in line["hint"]


def test_every_connection_that_may_be_is_counted() -> None:
    config = Config()
    doors = config.gateway.max_connections + config.gateway.max_handshakes + 2 * config.http.max_connections
    assert needed(config) == doors + OWN


def test_none_left() -> None:
    assert any_left()
    with soft_limit(0):
        found = any_left()
    assert not found


async def test_a_shortage_is_one_line_and_any_other_error_the_loops_own(caplog: pytest.LogCaptureFixture) -> None:
    loop, shortage = asyncio.get_running_loop(), Shortage()
    with capture_logs() as logs:
        for _ in range(100):
            shortage(loop, {"message": "socket.accept()", "exception": OSError(errno.EMFILE, "Too many open files")})
    assert [(line["event"], line["times"]) for line in logs] == [("no file descriptors left; who connects waits", 1)]
    assert caplog.records == []
    shortage(loop, {"message": "something else", "exception": OSError(errno.EIO, "I/O error")})
    assert "something else" in caplog.text
