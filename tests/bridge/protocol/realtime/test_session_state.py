"""A session's memory: what is due when, and how it ends."""

from __future__ import annotations

import json

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.session_state import Phase, SessionState
from bridge.protocol.realtime.steps import Authenticated, Close, Leave, Send

LIMITS = SessionLimits(ping_interval_ms=1000, pong_timeout_ms=300, expired_grace_ms=500)


def ready(**changes: int | None) -> SessionState:
    state = SessionState("c", LIMITS, now_ms=0, end_ms=None, phase=Phase.READY, ping_ms=1000)
    for name, value in changes.items():
        setattr(state, name, value)
    return state


def test_a_ping_then_no_pong() -> None:
    state = ready()
    assert state.next_ms() == 1000
    assert state.tick() == []
    state.now_ms = 1000
    assert state.tick() == [Send(b"{}")]
    assert state.next_ms() == 1300
    state.now_ms = 1300
    assert state.tick() == [Close(codes.NO_PONG)]
    assert state.next_ms() is None


def test_the_end_of_a_token_and_its_grace() -> None:
    state = ready()
    assert state.lifetime(Authenticated("7", 700)) == 700
    state.now_ms = 1200
    assert state.tick() == [Close(codes.CONNECTION_EXPIRED)]
    assert ready().lifetime(Authenticated("7", None)) is None


def test_the_end_of_a_token_that_cannot_be_renewed_in_band() -> None:
    state = ready()
    assert state.lifetime(Authenticated("7", 700, renewable=False)) is None
    state.now_ms = 700
    assert state.tick() == [Close(codes.CONNECTION_EXPIRED)]


def test_the_end_of_a_channel_with_a_token_of_its_own() -> None:
    state = ready()
    state.channels |= {"user:7": None, "campaign:1": 800, "campaign:2": 900}
    assert state.next_ms() == 800
    state.now_ms = 850
    leave, push = state.tick()
    assert leave == Leave("campaign:1")
    assert isinstance(push, Send)
    assert json.loads(push.payload)["push"]["unsubscribe"]["code"] == 2501
    assert (list(state.channels), state.next_ms()) == (["user:7", "campaign:2"], 900)


def test_nobody_came() -> None:
    state = SessionState("c", LIMITS, now_ms=0, end_ms=10)
    assert (state.tick(), state.next_ms()) == ([], 10)
    state.now_ms = 10
    assert state.tick() == [Close(codes.STALE)]


def test_leaving() -> None:
    state = ready()
    state.channels["user:7"] = None
    assert state.leave("user:7") == [Leave("user:7")]
    assert state.leave("user:7") == []
