"""Single moves: what is asked of the shell for a command, and what its outcome leads to."""

from __future__ import annotations

import json

from bridge.protocol.realtime import codes, session_moves, steps
from bridge.protocol.realtime.commands import (
    Connect,
    History,
    HistorySince,
    Refresh,
    SubRefresh,
    Subscribe,
    Unsubscribe,
)
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import StreamPosition
from bridge.protocol.realtime.session_state import Phase, SessionState
from bridge.protocol.realtime.steps import Action, Authorize, Close, GoLive, Join, Leave, ReadHistory, Review, Send

LIMITS = SessionLimits(max_channels=2, recovery_max_publications=5, history_max_publications=10)
TOP = steps.Joined(StreamPosition(9, "e"), (), None)


def ready(*channels: str) -> SessionState:
    return SessionState("c", LIMITS, 0, None, Phase.READY, user="7", channels=dict.fromkeys(channels))


def error(actions: list[Action]) -> int:
    [send] = [action for action in actions if isinstance(action, Send)]
    code = json.loads(send.payload)["error"]["code"]
    assert isinstance(code, int)
    return code


def test_connect_without_token_is_unauthorized() -> None:
    state = SessionState("c", LIMITS, 0, 10)
    assert error(session_moves.connect(state, 1, Connect())) == 101
    assert state.phase is Phase.REFUSED


def test_subscribing_asks_then_joins_then_goes_live() -> None:
    state = ready()
    assert session_moves.subscribe(state, 2, Subscribe("user:7")) == [Authorize("user:7")]
    assert session_moves.allowed(state, steps.Allowed()) == [Join("user:7", None, 6)]
    reply, live = session_moves.joined(state, TOP)
    assert isinstance(reply, Send)
    assert live == GoLive("user:7", after=9)
    assert error(session_moves.subscribe(state, 3, Subscribe("user:7"))) == codes.ALREADY_SUBSCRIBED.code
    assert session_moves.unsubscribe(state, 4, Unsubscribe("user:7"))[0] == Leave("user:7")
    assert len(session_moves.unsubscribe(state, 5, Unsubscribe("user:7"))) == 1


def test_channels_are_limited() -> None:
    assert error(session_moves.subscribe(ready("user:1", "user:2"), 2, Subscribe("user:3"))) == 106


def test_revoked_while_joining_never_opens() -> None:
    state = ready()
    session_moves.subscribe(state, 2, Subscribe("user:7"))
    session_moves.allowed(state, steps.Allowed())
    assert session_moves.revoked(state, steps.Revoked("user:8")) == []
    assert session_moves.revoked(state, steps.Revoked("user:7")) == []
    actions = session_moves.joined(state, TOP)
    assert actions[0] == Leave("user:7")
    assert error(actions) == 103
    assert not state.channels


def test_revoked_pushes_unsubscribe() -> None:
    leave, push = session_moves.revoked(ready("user:7"), steps.Revoked("user:7"))
    assert leave == Leave("user:7")
    assert isinstance(push, Send)
    assert json.loads(push.payload)["push"]["unsubscribe"]["code"] == 2000


def test_refresh_reviews_the_channels() -> None:
    state = ready("campaign:1")
    session_moves.refresh(state, 3, Refresh("t"))
    reply, review = session_moves.refreshed(state, steps.Authenticated("7", 60_000))
    assert isinstance(reply, Send)
    assert json.loads(reply.payload)["refresh"]["ttl"] == 60
    assert review == Review(("campaign:1",))
    session_moves.refresh(state, 4, Refresh("t"))
    assert session_moves.refreshed(state, steps.Authenticated("8", None)) == [Close(codes.INVALID_TOKEN)]
    assert session_moves.refresh(ready(), 3, Refresh()) == [Close(codes.BAD_FRAME)]


def test_history_of_an_open_channel_needs_no_question() -> None:
    asked = History("user:7", limit=-1, since=HistorySince(4, "e"), reverse=True)
    assert session_moves.history(ready("user:7"), 2, asked) == [ReadHistory("user:7", 4, 10, True)]
    state = ready()
    assert session_moves.history(state, 2, History("user:7", limit=99)) == [Authorize("user:7")]
    assert session_moves.allowed(state, steps.Allowed()) == [ReadHistory("user:7", None, 10, False)]
    assert error(session_moves.history(ready(), 2, History("nothing"))) == 102


def test_sub_refresh_has_nothing_to_refresh() -> None:
    assert error(session_moves.sub_refresh(ready("user:7"), 2, SubRefresh("user:7", "t"))) == 108
    assert error(session_moves.sub_refresh(ready(), 2, SubRefresh("user:7", "t"))) == 103


def test_failures_are_temporary() -> None:
    state = ready()
    session_moves.subscribe(state, 2, Subscribe("user:7"))
    session_moves.allowed(state, steps.Allowed())
    actions = session_moves.join_failed(state, steps.Failed())
    assert actions[0] == Leave("user:7")
    assert error(actions) == 100
    assert state.phase is Phase.READY
