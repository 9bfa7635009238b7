"""What a session does with each step: commands that need something done, and what came of it.

A move for a command is called with the state, the command's id and its body; any other with the state and the step.
"""

from __future__ import annotations

from bridge.protocol.realtime import answers, codes, commands, replies, steps
from bridge.protocol.realtime.codes import ErrorCode
from bridge.protocol.realtime.session_state import Phase, SessionState, refuse
from bridge.protocol.realtime.steps import Action

# Connecting and refreshing


def connect(state: SessionState, number: int, body: commands.Connect) -> list[Action]:
    """The first command."""
    if not body.token:
        state.phase = Phase.REFUSED
        return refuse(number, codes.UNAUTHORIZED)
    return state.ask(Phase.AUTHENTICATING, number, body, steps.Authenticate(body.token))


def connected(state: SessionState, step: steps.Authenticated) -> list[Action]:
    """From here on the session is `step.user`'s."""
    state.user = step.user
    state.ping_ms = state.now_ms + state.limits.ping_interval_ms
    ttl_ms = state.lifetime(step.expires_ms)
    return state.answer("connect", answers.connect_result(state.client, state.limits, ttl_ms=ttl_ms))


def connect_refused(state: SessionState, error: ErrorCode) -> list[Action]:
    """The client reads the error and decides whether to come back."""
    state.phase = Phase.REFUSED
    return refuse(state.pending_id, error)


def refresh(state: SessionState, number: int, body: commands.Refresh) -> list[Action]:
    """A new token on the open connection."""
    if not body.token:
        return state.close(codes.BAD_FRAME)
    return state.ask(Phase.REFRESHING, number, body, steps.Authenticate(body.token))


def refreshed(state: SessionState, step: steps.Authenticated) -> list[Action]:
    """The same user may go on; what the new token no longer opens is closed."""
    if step.user != state.user:
        return state.close(codes.INVALID_TOKEN)
    ttl_ms = state.lifetime(step.expires_ms)
    actions = state.answer("refresh", answers.refresh_result(state.client, ttl_ms=ttl_ms))
    return [*actions, steps.Review(tuple(state.channels))] if state.channels else actions


# Channels


def subscribe(state: SessionState, number: int, body: commands.Subscribe) -> list[Action]:
    """Ask whether the channel is the client's to open."""
    if body.channel in state.channels:
        return refuse(number, codes.ALREADY_SUBSCRIBED)
    if len(state.channels) >= state.limits.max_channels:
        return refuse(number, codes.LIMIT_EXCEEDED)
    if (fault := answers.subscribe_fault(body, state.limits)) is not None:
        return refuse(number, fault)
    return state.ask(Phase.AUTHORIZING, number, body, steps.Authorize(body.channel))


def allowed(state: SessionState, _: steps.Allowed) -> list[Action]:
    """Go on with the subscribe or history command that asked."""
    body = state.pending
    if isinstance(body, commands.History):
        return _read(state, state.pending_id, body)
    state.phase = Phase.JOINING
    return [steps.Join(body.channel, body.place, state.limits.recovery_max_publications + 1)]


def joined(state: SessionState, step: steps.Joined) -> list[Action]:
    """Reply, then go live from the top that the reply is about."""
    channel = state.pending.channel
    result = answers.subscribe_result(state.pending, step, state.limits)
    if state.revoked:
        result = codes.PERMISSION_DENIED
    if isinstance(result, ErrorCode):
        return [steps.Leave(channel), *state.answer("subscribe", result)]
    state.channels[channel] = None
    return [*state.answer("subscribe", result), steps.GoLive(channel, after=step.top.offset)]


def join_failed(state: SessionState, _: steps.Failed) -> list[Action]:
    """The client tries again by itself."""
    return [steps.Leave(state.pending.channel), *state.answer("subscribe", codes.INTERNAL)]


def unsubscribe(state: SessionState, number: int, body: commands.Unsubscribe) -> list[Action]:
    """Fine for a channel that isn't open, too."""
    return [*state.leave(body.channel), steps.Send(replies.reply(number, "unsubscribe", {}))]


def revoked(state: SessionState, step: steps.Revoked) -> list[Action]:
    """Close a channel from this side; one that is being joined is refused when that is done."""
    if step.channel in state.channels:
        push = replies.unsubscribe_push(step.channel, codes.UNSUBSCRIBED_BY_SERVER)
        return [*state.leave(step.channel), steps.Send(push)]
    state.revoked |= state.phase is Phase.JOINING and state.pending.channel == step.channel
    return []


def sub_refresh(state: SessionState, number: int, body: commands.SubRefresh) -> list[Action]:
    """Channels have no tokens of their own here."""
    return refuse(number, codes.NOT_AVAILABLE if body.channel in state.channels else codes.PERMISSION_DENIED)


# History


def history(state: SessionState, number: int, body: commands.History) -> list[Action]:
    """Who is subscribed may read; anyone else is asked about first."""
    if (fault := answers.channel_fault(body.channel, state.limits)) is not None:
        return refuse(number, fault)
    if body.channel in state.channels:
        return _read(state, number, body)
    return state.ask(Phase.AUTHORIZING, number, body, steps.Authorize(body.channel))


def _read(state: SessionState, number: int, body: commands.History) -> list[Action]:
    most = state.limits.history_max_publications
    limit = most if body.limit < 0 else min(body.limit, most)
    since = None if body.since is None else body.since.offset
    return state.ask(Phase.READING, number, body, steps.ReadHistory(body.channel, since, limit, body.reverse))


def history_read(state: SessionState, step: steps.HistoryRead) -> list[Action]:
    """A page, or that its place isn't in this stream."""
    return state.answer("history", answers.history_result(state.pending, step, state.limits))
