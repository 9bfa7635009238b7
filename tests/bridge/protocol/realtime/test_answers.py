"""What the replies of a session say to the public clients."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.answers import (
    channel_fault,
    connect_result,
    history_result,
    presence_result,
    refresh_result,
    subscribe_fault,
    subscribe_result,
)
from bridge.protocol.realtime.codes import ErrorCode
from bridge.protocol.realtime.commands import History, HistorySince, Subscribe
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition
from bridge.protocol.realtime.steps import HistoryRead, Joined, Present

LIMITS = SessionLimits(recovery_max_publications=2, channel_max_length=20)
TOP = StreamPosition(30, "e")
ROWS = (Publication(20, b"1"), Publication(30, b"2"))


def offsets(result: object) -> list[int]:
    assert isinstance(result, dict)
    return [row["offset"] for row in result["publications"]]


def test_connect_and_refresh() -> None:
    result = connect_result("c", LIMITS, ttl_ms=None, subs={})
    assert result == {"client": "c", "version": "hcs-bridge", "ping": 25, "pong": True}
    assert connect_result("c", LIMITS, ttl_ms=None, subs={"user:7": {}})["subs"] == {"user:7": {}}
    assert refresh_result("c", ttl_ms=2999) == {"client": "c", "version": "hcs-bridge", "expires": True, "ttl": 2}
    assert refresh_result("c", ttl_ms=-5000)["ttl"] == 1  # within the leeway


def subscribed(since: Since | None, *, max_bytes: int = 100) -> Any:
    return subscribe_result(since, Joined(TOP, ROWS, {"open": []}), LIMITS, max_bytes=max_bytes)


def test_subscribing_afresh_starts_at_the_top() -> None:
    result = {"recoverable": True, "positioned": True, "epoch": "e", "offset": 30, "data": {"open": []}}
    assert subscribed(None) == result


def test_recovering() -> None:
    result = subscribed(Since(10, ""))
    assert (result["recovered"], result["was_recovering"], result["offset"]) == (True, True, 10)
    assert offsets(result) == [20, 30]


@pytest.mark.parametrize(
    ("since", "max_bytes"), [(Since(10, "other"), 100), (Since(31, "e"), 100), (Since(10, "e"), 1)]
)
def test_not_recovering_says_the_top(since: Since, max_bytes: int) -> None:
    result = subscribed(since, max_bytes=max_bytes)
    assert (result["recovered"], result["was_recovering"], result["offset"]) == (False, True, 30)
    assert "publications" not in result


def test_presence_names_all_or_nobody() -> None:
    assert presence_result(Present({"c": "7"}, 1, 1)) == {"presence": {"c": {"client": "c", "user": "7"}}}
    assert presence_result(Present(None, 9, 9)) == codes.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (Subscribe("user:7"), None),
        (Subscribe("user:7", flag=1), None),
        (Subscribe("user:7", type=1), codes.NOT_AVAILABLE),
        (Subscribe("user:7", token="t"), None),
        (Subscribe("news:7"), codes.UNKNOWN_CHANNEL),
        (Subscribe(""), codes.UNKNOWN_CHANNEL),
        (Subscribe("user:_account"), codes.UNKNOWN_CHANNEL),
        (Subscribe("user:" + "7" * 16), codes.BAD_REQUEST),
    ],
)
def test_subscribe_faults(body: Subscribe, error: ErrorCode | None) -> None:
    assert subscribe_fault(body, LIMITS) == error
    if not body.type:
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
