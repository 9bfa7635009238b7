"""That writes are refused is told once a minute, and known for one."""

from __future__ import annotations

import pytest

from bridge.errors import DatabaseHeld, Unavailable
from bridge.refusals import LATELY_S, Refusals


def test_only_what_the_disk_or_the_server_refuses_counts_and_for_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now_s = [1000.0]
    refusals = Refusals(lambda: now_s[0])
    refusals.note([1, None, DatabaseHeld("others went on", hint=""), ValueError("somebody's own")])
    assert not refusals.lately
    for _ in range(3):
        refusals.note([None, Unavailable("the database", "database or disk is full", hint="make room on its disk")])
    assert refusals.lately
    assert [each.message.count("database or disk is full") for each in caplog.records] == [1]
    now_s[0] += LATELY_S
    assert not refusals.lately
