"""Whole sessions: frames in, frames out; and any sequence of steps keeps its promises."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime import codes, steps
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import StreamPosition
from bridge.protocol.realtime.session import Session
from bridge.protocol.realtime.session_state import Phase
from bridge.protocol.realtime.steps import Action, Authenticate, Authorize, Close, GoLive, Join, Send
from tests.bridge.protocol.realtime.any_steps import STEPS, Watcher

CONNECT = '{"id":1,"connect":{"token":"t"}}'


def said(actions: list[Action]) -> list[Any]:
    return [json.loads(action.payload) for action in actions if isinstance(action, Send)]


def connected(limits: SessionLimits | None = None) -> Session:
    session = Session("c", limits or SessionLimits(), now_ms=0)
    assert session.receive(CONNECT, now_ms=0) == [Authenticate("t")]
    [reply] = said(session.feed(steps.Authenticated("7", 120_000), now_ms=0))
    assert reply["connect"] == {
        "client": "c",
        "version": "hcs-bridge",
        "expires": True,
        "ttl": 120,
        "ping": (limits or SessionLimits()).ping_interval_ms // 1000,
        "pong": True,
    }
    return session


def test_connect_and_subscribe_in_one_frame_wait_for_each_other() -> None:
    session = Session("c", SessionLimits(), now_ms=0)
    frame = CONNECT + '\n{"id":2,"subscribe":{"channel":"user:7"}}\n{"id":3,"subscribe":{"channel":"user:8"}}'
    assert session.receive(frame, now_ms=0) == [Authenticate("t")]
    actions = session.feed(steps.Authenticated("7", None), now_ms=0)
    assert [type(action) for action in actions] == [Send, Authorize]
    assert session.feed(steps.Allowed(), now_ms=0) == [Join("user:7", None, 1001)]
    actions = session.feed(steps.Joined(StreamPosition(4, "e"), (), None), now_ms=0)
    assert [type(action) for action in actions] == [Send, GoLive, Authorize]
    [refused] = said(session.feed(steps.Denied(), now_ms=0))
    assert refused == {"id": 3, "error": {"code": 103, "message": "permission denied"}}
    assert (session.channels, session.user, session.busy) == (("user:7",), "7", False)


def test_what_came_behind_a_refused_connect_is_ignored() -> None:
    session = Session("c", SessionLimits(), now_ms=0)
    session.receive(CONNECT + '\n{"id":2,"subscribe":{"channel":"user:7"}}', now_ms=0)
    [refused] = said(session.feed(steps.Expired(), now_ms=0))
    assert refused["error"]["code"] == 109
    assert session.receive('{"id":3,"rpc":{}}', now_ms=1) == []
    assert session.feed(steps.Tick(), now_ms=10_000) == [Close(codes.STALE)]


def test_a_bad_token_is_terminal() -> None:
    session = Session("c", SessionLimits(), now_ms=0)
    session.receive(CONNECT, now_ms=0)
    assert session.feed(steps.Refused(), now_ms=0) == [Close(codes.INVALID_TOKEN)]
    assert session.receive(CONNECT, now_ms=0) == []


def test_connect_must_come_first_and_only_once() -> None:
    for frame in ('{"id":1,"subscribe":{"channel":"user:7"}}', "{}", '{"id":1,"teleport":{}}', "garbage"):
        session = Session("c", SessionLimits(), now_ms=0)
        assert session.receive(frame, now_ms=0) == [Close(codes.BAD_FRAME)]
    assert connected().receive(CONNECT, now_ms=0) == [Close(codes.BAD_FRAME)]


def test_what_is_not_offered() -> None:
    session = connected()
    for method, code in [("publish", 102), ("rpc", 104), ("presence", 102), ("presence_stats", 102), ("teleport", 104)]:
        [reply] = said(session.receive(json.dumps({"id": 9, method: {}}), now_ms=0))
        assert (reply["id"], reply["error"]["code"]) == (9, code)
    assert session.receive('{"send":{}}', now_ms=0) == [Close(codes.SEND_NOT_AVAILABLE)]


def test_a_refresh_brings_more_channels() -> None:
    session = connected()
    assert session.receive('{"id":5,"refresh":{"token":"t2"}}', now_ms=0) == [Authenticate("t2")]
    actions = session.feed(steps.Authenticated("7", 240_000, ("campaign:1", "campaign:2")), now_ms=0)
    assert [type(action) for action in actions] == [Send, Join]
    actions = session.feed(steps.Joined(StreamPosition(4, "e"), (), None), now_ms=0)
    assert [type(action) for action in actions] == [Send, GoLive, Join]
    session.feed(steps.Joined(StreamPosition(4, "e"), (), None), now_ms=0)
    assert session.channels == ("campaign:1", "campaign:2")


def test_pings_are_answered_or_else() -> None:
    session = connected()
    assert session.deadline_ms == 25_000
    assert said(session.feed(steps.Tick(), now_ms=25_000)) == [{}]
    assert session.deadline_ms == 33_000
    assert session.receive("{}", now_ms=26_000) == []
    assert session.deadline_ms == 50_000
    session.feed(steps.Tick(), now_ms=50_000)
    assert session.feed(steps.Tick(), now_ms=58_000) == [Close(codes.NO_PONG)]


def test_expiry_with_grace_and_refresh_in_band() -> None:
    session = connected(SessionLimits(ping_interval_ms=10**9))
    assert session.deadline_ms == 145_000
    session.receive('{"id":5,"refresh":{"token":"t2"}}', now_ms=121_000)
    [reply] = said(session.feed(steps.Authenticated("7", 240_000), now_ms=121_000))
    assert reply == {"id": 5, "refresh": {"client": "c", "version": "hcs-bridge", "expires": True, "ttl": 119}}
    assert session.feed(steps.Tick(), now_ms=264_999) == []
    assert session.feed(steps.Tick(), now_ms=265_000) == [Close(codes.CONNECTION_EXPIRED)]


def test_an_expired_refresh_token_asks_the_client_to_come_back() -> None:
    outcomes: list[tuple[steps.Input, codes.DisconnectCode]] = [
        (steps.Expired(), codes.CONNECTION_EXPIRED),
        (steps.Refused(), codes.INVALID_TOKEN),
    ]
    for outcome, code in outcomes:
        session = connected()
        session.receive('{"id":5,"refresh":{"token":"t2"}}', now_ms=0)
        assert session.feed(outcome, now_ms=0) == [Close(code)]


def test_a_flood_is_cut() -> None:
    session = connected(SessionLimits(max_commands_per_s=2, max_channels=2))
    actions = session.receive("\n".join(["{}"] * 100), now_ms=0)
    assert actions == [Close(codes.TOO_MANY_COMMANDS)]


@given(st.lists(st.tuples(STEPS, st.integers(0, 4000)), min_size=20, max_size=40), st.booleans())
def test_any_steps_keep_the_promises(taken: list[tuple[steps.Input | int, int]], warm: bool) -> None:
    session, watcher, now_ms = Session("c", SessionLimits(), now_ms=0), Watcher(), 0
    if warm:
        session = connected()
    for step, wait in taken:
        now_ms += wait
        watcher.watch(session.feed(watcher.outcome(step) if isinstance(step, int) else step, now_ms=now_ms))
        assert watcher.live == set(session.channels)
        assert watcher.closed == (session.phase is Phase.CLOSED)
        assert not watcher.asked or watcher.closed or session.phase in (Phase.JOINING, Phase.SUBSCRIBING)
        assert (session.deadline_ms is None) <= (watcher.closed or session.user is not None)


@given(st.lists(st.text(max_size=60), max_size=10))
def test_any_frames_end_in_a_close_at_worst(frames: list[str]) -> None:
    session, watcher = connected(), Watcher()
    for frame in frames:
        watcher.watch(session.receive(frame, now_ms=0))


def test_an_outcome_of_another_operation_is_ignored() -> None:
    session, top = connected(), StreamPosition(0, "")
    session.receive('{"id":2,"presence":{"channel":"campaign:1"}}', now_ms=0)
    assert session.feed(steps.Allowed(), now_ms=0) == [steps.ReadPresence("campaign:1")]
    assert session.feed(steps.HistoryRead(top, ()), now_ms=0) == []
    assert session.busy
    [said] = session.feed(steps.Present({}, 0, 0), now_ms=0)
    assert isinstance(said, Send)
