"""Single moves about a channel: opening it, its own token, and its end."""

from __future__ import annotations

import json

from bridge.protocol.realtime import channel_moves, codes, steps
from bridge.protocol.realtime.commands import History, Invite, SubRefresh, Subscribe, Unsubscribe
from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition
from bridge.protocol.realtime.session_state import Phase, SessionState
from bridge.protocol.realtime.steps import Allowed, Authorize, Close, GoLive, Join, Leave, ReadHistory, Revoked, Send
from tests.bridge.protocol.realtime.test_session_moves import LIMITS, error, ready, said

TOP = steps.Joined(StreamPosition(9, "e"), (), None)


def joining(body: Subscribe | None = None, **token: int) -> SessionState:
    state = ready()
    channel_moves.subscribe(state, 2, body or Subscribe("user:7"))
    channel_moves.allowed(state, Allowed(**token))
    return state


def test_subscribing_asks_then_joins_then_goes_live() -> None:
    state = ready()
    assert channel_moves.subscribe(state, 2, Subscribe("user:7", join_leave=True)) == [Authorize("user:7")]
    assert channel_moves.allowed(state, Allowed()) == [Join("user:7", None, 6)]
    reply, live = channel_moves.joined(state, TOP)
    assert isinstance(reply, Send)
    assert live == GoLive("user:7", after=9, listens=True)
    assert error(channel_moves.subscribe(state, 3, Subscribe("user:7"))) == codes.ALREADY_SUBSCRIBED.code
    assert channel_moves.unsubscribe(state, 4, Unsubscribe("user:7"))[0] == Leave("user:7")
    assert len(channel_moves.unsubscribe(state, 5, Unsubscribe("user:7"))) == 1


def test_an_allowed_history_goes_on_to_read() -> None:
    state = ready()
    state.ask(Phase.AUTHORIZING, 2, History("user:7", limit=99), Authorize("user:7"))
    assert channel_moves.allowed(state, Allowed()) == [ReadHistory("user:7", None, 10, False)]


def test_channels_are_limited() -> None:
    assert error(channel_moves.subscribe(ready("user:1", "user:2"), 2, Subscribe("user:3"))) == 106


def test_who_wants_an_error_for_a_failed_recovery_gets_it() -> None:
    state = joining(Subscribe("user:7", flag=3, recover=True, offset=4, epoch="other"))
    leave, *rest = channel_moves.joined(state, TOP)
    assert leave == Leave("user:7")
    assert error(rest) == codes.UNRECOVERABLE_POSITION.code


def test_revoked_while_joining_never_opens() -> None:
    for code, told in [(codes.UNSUBSCRIBED_BY_SERVER, 103), (codes.UNSUBSCRIBED_INVALIDATED, 100)]:
        state = joining()
        assert channel_moves.revoked(state, Revoked("user:8", code)) == []
        assert channel_moves.revoked(state, Revoked("user:7", code)) == []
        actions = channel_moves.joined(state, TOP)
        assert actions[0] == Leave("user:7")
        assert error(actions) == told
        assert not state.channels


def test_revoked_pushes_unsubscribe() -> None:
    for code in codes.UNSUBSCRIBES:
        leave, push = channel_moves.revoked(ready("user:7"), Revoked("user:7", code))
        assert leave == Leave("user:7")
        assert isinstance(push, Send)
        assert json.loads(push.payload)["push"]["unsubscribe"] == {"code": code.code, "reason": code.reason}


def test_revoked_before_connect_is_answered_starts_afresh() -> None:
    state = SessionState("c", LIMITS, 0, 10, Phase.SUBSCRIBING)
    assert channel_moves.revoked(state, Revoked("user:7")) == [Close(codes.FORCE_RECONNECT)]


def test_a_channel_with_its_own_token_expires_by_itself() -> None:
    state = joining(Subscribe("user:7", "t"), expires_ms=60_000)
    reply, _ = channel_moves.joined(state, TOP)
    assert isinstance(reply, Send)
    assert json.loads(reply.payload)["subscribe"]["expires"] is True
    assert json.loads(reply.payload)["subscribe"]["ttl"] == 60
    assert state.channels == {"user:7": 60_000 + LIMITS.expired_grace_ms}
    assert channel_moves.sub_refresh(state, 3, SubRefresh("user:7", "t2")) == [Authorize("user:7", "t2")]
    assert said(channel_moves.renewed(state, Allowed(90_000))) == {"id": 3, "sub_refresh": {"expires": True, "ttl": 90}}
    assert state.channels == {"user:7": 90_000 + LIMITS.expired_grace_ms}


def test_a_renewal_with_an_expired_token_makes_the_client_subscribe_again() -> None:
    state = ready()
    state.channels["user:7"] = 60_000
    channel_moves.sub_refresh(state, 3, SubRefresh("user:7", "t2"))
    leave, push, reply = channel_moves.renewal_expired(state, steps.Expired())
    assert leave == Leave("user:7")
    assert isinstance(push, Send)
    assert json.loads(push.payload)["push"]["unsubscribe"]["code"] == 2501
    assert error([reply]) == 109


def test_sub_refresh_needs_a_token_to_renew() -> None:
    state = ready("user:7")
    assert error(channel_moves.sub_refresh(state, 2, SubRefresh("user:7", "t"))) == 108
    assert error(channel_moves.sub_refresh(state, 2, SubRefresh("user:8", "t"))) == 103
    state.channels["user:7"] = 60_000
    assert channel_moves.sub_refresh(state, 2, SubRefresh("user:7")) == [Close(codes.BAD_FRAME)]


def test_a_token_renewed_for_a_channel_that_was_revoked_meanwhile_opens_nothing() -> None:
    state = ready()
    state.channels["user:7"] = 60_000
    channel_moves.sub_refresh(state, 3, SubRefresh("user:7", "t2"))
    channel_moves.revoked(state, Revoked("user:7"))
    channel_moves.renewed(state, Allowed(90_000))
    assert not state.channels


def test_failures_are_temporary() -> None:
    state = joining()
    actions = channel_moves.join_failed(state, steps.Failed())
    assert actions[0] == Leave("user:7")
    assert error(actions) == 100
    assert state.phase is Phase.READY


def invited(place: Since | None = None) -> SessionState:
    state = ready()
    state.ask(Phase.JOINING, 0, Invite("user:7", place), Join("user:7", place, 1))
    return state


def test_an_invitation_is_a_push_that_admits_what_it_leaves_out() -> None:
    state = invited(Since(4, "e"))
    missed = steps.Joined(StreamPosition(9, "e"), (Publication(9, b"1"),), None)
    push, live = channel_moves.joined(state, missed)
    assert said([push])["push"] == {
        "channel": "user:7",
        "subscribe": {
            "recoverable": True,
            "positioned": True,
            "epoch": "e",
            "offset": 9,
            "was_recovering": True,
            "recovered": False,
        },
    }
    assert (live, state.phase, list(state.channels)) == (GoLive("user:7", after=9), Phase.READY, ["user:7"])


def test_an_invitation_that_fails_ends_the_connection_and_the_client_comes_back() -> None:
    assert channel_moves.join_failed(invited(), steps.Failed())[-1] == Close(codes.SERVER_ERROR)
    state = invited()
    channel_moves.revoked(state, Revoked("user:7"))
    assert channel_moves.joined(state, TOP)[-1] == Close(codes.FORCE_RECONNECT)
