"""What the replies of a session say to the public clients."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.answers import (
    channel_fault,
    connect_result,
    history_result,
    refresh_result,
    subscribe_fault,
    subscribe_result,
)
from bridge.protocol.realtime.codes import ErrorCode
from bridge.protocol.realtime.commands import History, HistorySince, Subscribe
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.realtime.steps import HistoryRead, Joined

LIMITS = SessionLimits(recovery_max_publications=2, channel_max_length=20)
TOP = StreamPosition(30, "e")
ROWS = (Publication(20, b"1"), Publication(30, b"2"))


def offsets(result: object) -> list[int]:
    assert isinstance(result, dict)
    return [row["offset"] for row in result["publications"]]


def test_connect_and_refresh() -> None:
    assert connect_result("c", LIMITS, ttl_ms=None) == {
        "client": "c",
        "version": "hcs-bridge",
        "ping": 25,
        "pong": True,
    }
    assert refresh_result("c", ttl_ms=2999) == {"client": "c", "version": "hcs-bridge", "expires": True, "ttl": 2}
    assert refresh_result("c", ttl_ms=-5000)["ttl"] == 1  # within the leeway


def test_subscribing_afresh_starts_at_the_top() -> None:
    result = subscribe_result(Subscribe("user:7"), Joined(TOP, (), {"open": [], "rejected": []}), LIMITS)
    assert result == {
        "recoverable": True,
        "positioned": True,
        "epoch": "e",
        "offset": 30,
        "data": {"open": [], "rejected": []},
    }


def test_recovering() -> None:
    result: Any = subscribe_result(Subscribe("user:7", recover=True, offset=10), Joined(TOP, ROWS, None), LIMITS)
    assert (result["recovered"], result["was_recovering"], result["offset"]) == (True, True, 10)
    assert offsets(result) == [20, 30]


def test_not_recovering_says_the_top() -> None:
    lost = Subscribe("user:7", recover=True, offset=10, epoch="other")
    result: Any = subscribe_result(lost, Joined(TOP, ROWS, None), LIMITS)
    assert (result["recovered"], result["was_recovering"], result["offset"]) == (False, True, 30)
    assert "publications" not in result
    strict = Subscribe("user:7", recover=True, offset=10, epoch="other", flag=3)
    assert subscribe_result(strict, Joined(TOP, ROWS, None), LIMITS) == codes.UNRECOVERABLE_POSITION


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (Subscribe("user:7"), None),
        (Subscribe("user:7", flag=1), None),
        (Subscribe("user:7", type=1), codes.NOT_AVAILABLE),
        (Subscribe("user:7", token="t"), codes.NOT_AVAILABLE),
        (Subscribe("news:7"), codes.UNKNOWN_CHANNEL),
        (Subscribe(""), codes.UNKNOWN_CHANNEL),
        (Subscribe("user:_account"), codes.UNKNOWN_CHANNEL),
        (Subscribe("user:" + "7" * 16), codes.BAD_REQUEST),
    ],
)
def test_subscribe_faults(body: Subscribe, error: ErrorCode | None) -> None:
    assert subscribe_fault(body, LIMITS) == error
    if not (body.type or body.token):
        assert channel_fault(body.channel, LIMITS) == error


def test_history() -> None:
    read = HistoryRead(TOP, ROWS)
    result: Any = history_result(History("user:7", limit=2), read, LIMITS)
    assert (result["epoch"], result["offset"], offsets(result)) == ("e", 30, [20, 30])
    for place, known in [((10, "e"), True), ((10, ""), True), ((10, "x"), False), ((31, "e"), False)]:
        asked = History("user:7", limit=2, since=HistorySince(*place))
        assert isinstance(history_result(asked, read, LIMITS), dict) is known
    backwards = History("user:7", limit=2, since=HistorySince(2**62, "e"), reverse=True)
    assert isinstance(history_result(backwards, read, LIMITS), dict)
