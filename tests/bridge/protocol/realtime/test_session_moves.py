"""Single moves about the connection: what is asked of the shell for a command, and what its outcome leads to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.protocol.realtime import codes, session_moves, steps
from bridge.protocol.realtime.commands import (
    Connect,
    History,
    HistorySince,
    Ping,
    Presence,
    PresenceStats,
    Publish,
    Refresh,
)
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.session_state import Phase, SessionState
from bridge.protocol.realtime.steps import (
    Action,
    Authenticate,
    Authenticated,
    Authorize,
    Close,
    ReadHistory,
    ReadPresence,
    Review,
    Send,
)

LIMITS = SessionLimits(max_channels=2, recovery_max_publications=5, history_max_publications=10)


def ready(*channels: str) -> SessionState:
    return SessionState("c", LIMITS, 0, None, Phase.READY, user="7", channels=dict.fromkeys(channels))


def said(actions: list[Action]) -> Any:
    [send] = [action for action in actions if isinstance(action, Send)]
    return json.loads(send.payload)


def error(actions: list[Action]) -> int:
    code = said(actions)["error"]["code"]
    assert isinstance(code, int)
    return code


def test_connect_takes_the_token_from_either_place_or_leaves_it_to_the_handshake() -> None:
    for body, token in [
        (Connect("t"), "t"),
        (Connect(headers={"authorization": "bearer t2"}), "t2"),
        (Connect(headers={"Authorization": "Basic t2"}), ""),
        (Connect(), ""),
    ]:
        assert session_moves.connect(SessionState("c", LIMITS, 0, 10), 1, body) == [Authenticate(token)]


def test_a_token_that_came_with_the_handshake_is_not_renewed_in_band() -> None:
    state = SessionState("c", LIMITS, 0, 10)
    session_moves.connect(state, 1, Connect())
    [reply] = session_moves.connected(state, Authenticated("7", 60_000, renewable=False))
    assert isinstance(reply, Send)
    assert "expires" not in json.loads(reply.payload)["connect"]
    assert state.end_ms == 60_000  # and at its end it is over: the client comes back with a fresh cookie
    assert session_moves.connect_expired(state, steps.Expired(renewable=False)) == [Close(codes.CONNECTION_EXPIRED)]


def test_refresh_reviews_the_channels_that_hang_on_it() -> None:
    state = ready("campaign:1")
    state.channels["campaign:2"] = 99_000  # has a token of its own
    session_moves.refresh(state, 3, Refresh("t"))
    reply, review = session_moves.refreshed(state, Authenticated("7", 60_000))
    assert isinstance(reply, Send)
    assert json.loads(reply.payload)["refresh"]["ttl"] == 60
    assert review == Review(("campaign:1",))
    session_moves.refresh(state, 4, Refresh("t"))
    assert session_moves.refreshed(state, Authenticated("8", None)) == [Close(codes.INVALID_TOKEN)]
    assert session_moves.refresh(ready(), 3, Refresh()) == [Close(codes.BAD_FRAME)]


def test_a_refresh_subscribes_to_what_the_new_token_names() -> None:
    state = ready("campaign:1")
    session_moves.refresh(state, 3, Refresh("t"))
    session_moves.refreshed(state, Authenticated("7", 60_000, ("campaign:1", "campaign:2")))
    assert [command.body.channel for command in state.backlog] == ["campaign:2"]  # type: ignore[union-attr]


def test_history_of_an_open_channel_needs_no_question() -> None:
    asked = History("user:7", limit=-1, since=HistorySince(4, "e"), reverse=True)
    assert session_moves.history(ready("user:7"), 2, asked) == [ReadHistory("user:7", 4, 10, True)]
    assert session_moves.history(ready(), 2, History("user:7", limit=99)) == [Authorize("user:7")]
    assert error(session_moves.history(ready(), 2, History("nothing"))) == 102


def test_presence() -> None:
    state, present = ready("user:7"), steps.Present({"c": "7", "d": "8"}, 2, 2)
    assert session_moves.presence(state, 2, Presence("user:7")) == [ReadPresence("user:7")]
    assert said(session_moves.presence_read(state, present)) == {
        "id": 2,
        "presence": {"presence": {"c": {"client": "c", "user": "7"}, "d": {"client": "d", "user": "8"}}},
    }
    session_moves.presence(state, 3, PresenceStats("user:7"))
    crowd = steps.Present(None, 2000, 1000)
    assert said(session_moves.presence_read(state, crowd))["presence_stats"] == {"num_clients": 2000, "num_users": 1000}
    session_moves.presence(state, 4, Presence("user:7"))
    assert error(session_moves.presence_read(state, crowd)) == codes.LIMIT_EXCEEDED.code
    assert session_moves.presence(ready(), 2, PresenceStats("user:7")) == [Authorize("user:7")]


@pytest.mark.parametrize(("channel", "code"), [("user:7", 103), ("news:7", 102), ("", 102), ("user:" + "7" * 300, 107)])
def test_publishing_is_refused_for_its_proper_reason(channel: str, code: int) -> None:
    assert error(session_moves.publish(ready(), 2, Publish(channel))) == code


def test_ping_message_and_a_longer_life() -> None:
    state = ready()
    assert said(session_moves.ping(state, 2, Ping())) == {"id": 2, "ping": {}}
    assert said(session_moves.message(state, steps.Message(b'{"n":1}'))) == {"push": {"message": {"data": {"n": 1}}}}
    assert session_moves.extended(state, steps.Extended(60_000)) == []
    assert state.end_ms == 60_000 + LIMITS.expired_grace_ms
