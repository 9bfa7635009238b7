"""The channels that a token names: joined in order, answered together, and never more than a reply may hold."""

from __future__ import annotations

import json
from typing import Any

from bridge.protocol.realtime import codes, server_side, steps
from bridge.protocol.realtime.commands import Connect, Invite, Recovery
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition
from bridge.protocol.realtime.session_state import Phase, SessionState
from bridge.protocol.realtime.steps import Action, Authenticated, Close, GoLive, Join, Leave, Send
from tests.bridge.protocol.realtime.test_session_moves import error, ready

LIMITS = SessionLimits(max_channels=3, recovery_max_publications=5, max_reply_bytes=1000)
TOP = StreamPosition(9, "e")


def begun(*channels: str, **subs: Recovery) -> tuple[SessionState, list[Action]]:
    state = SessionState("c", LIMITS, 0, 10)
    places = {name.replace("_", ":"): place for name, place in subs.items()}
    state.ask(Phase.AUTHENTICATING, 1, Connect("t", places), steps.Authenticate("t"))
    return state, server_side.begin(state, Authenticated("7", None, channels))


def result(action: Action) -> Any:
    assert isinstance(action, Send)
    return json.loads(action.payload)["connect"]


def test_without_channels_the_answer_comes_at_once() -> None:
    state, [reply] = begun()
    assert "subs" not in result(reply)
    assert (state.phase, state.pending) == (Phase.READY, None)


def test_they_are_joined_one_after_the_other_and_answered_together() -> None:
    state, actions = begun("user:7", "campaign:1", campaign_1=Recovery(recover=True, offset=4, epoch="e"))
    assert actions == [Join("user:7", None, 6)]
    assert server_side.joined(state, steps.Joined(TOP, (), None)) == [Join("campaign:1", Since(4, "e"), 6)]
    reply, *live = server_side.joined(state, steps.Joined(TOP, (Publication(9, b"1"),), None))
    subs = result(reply)["subs"]
    assert (subs["user:7"]["offset"], "recovered" in subs["user:7"]) == (9, False)
    assert (subs["campaign:1"]["offset"], subs["campaign:1"]["recovered"]) == (4, True)
    assert subs["campaign:1"]["publications"] == [{"data": 1, "offset": 9}]
    assert live == [GoLive("user:7", after=9), GoLive("campaign:1", after=9)]
    assert list(state.channels) == ["user:7", "campaign:1"]


def test_what_the_answer_has_no_room_for_comes_as_an_invitation() -> None:
    place = Recovery(recover=True, offset=4, epoch="e")
    state, _ = begun("user:7", "campaign:1", "campaign:2", campaign_1=place)
    server_side.joined(state, steps.Joined(TOP, (), {"open": ["x" * 900]}))
    leave, reply, live = server_side.joined(state, steps.Joined(TOP, (Publication(9, b"1"),), None))
    assert leave == Leave("campaign:1")
    assert list(result(reply)["subs"]) == ["user:7"]
    assert live == GoLive("user:7", after=9)
    assert [command.body for command in state.backlog] == [Invite("campaign:1", Since(4, "e")), Invite("campaign:2")]


def test_a_failure_is_temporary_and_leaves_all_of_them() -> None:
    state, _ = begun("user:7", "campaign:1")
    server_side.joined(state, steps.Joined(TOP, (), None))
    *leaving, reply = server_side.join_failed(state, steps.Failed())
    assert leaving == [Leave("user:7"), Leave("campaign:1")]
    assert error([reply]) == 100


def test_a_token_that_names_too_many_or_what_is_no_channel() -> None:
    assert begun("user:1", "user:2", "user:3", "user:4")[1] == [Close(codes.CHANNEL_LIMIT)]
    assert error(begun("weather:today")[1]) == 102


def test_an_invitation_joins_unless_the_client_was_quicker() -> None:
    state = ready("user:7")
    assert server_side.invited(state, 0, Invite("user:7")) == []
    assert server_side.invited(state, 0, Invite("campaign:1")) == [Join("campaign:1", None, 1)]
    assert server_side.invited(ready("user:1", "user:2"), 0, Invite("campaign:1")) == []  # LIMITS there allow two
