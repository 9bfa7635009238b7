"""What a session does with each step that is about one channel: opening it, its own token, and its end."""

from __future__ import annotations

from bridge.protocol.realtime import answers, codes, commands, replies, session_moves, steps
from bridge.protocol.realtime.codes import ErrorCode
from bridge.protocol.realtime.session_state import Phase, SessionState, refuse
from bridge.protocol.realtime.steps import Action

# Opening


def subscribe(state: SessionState, number: int, body: commands.Subscribe) -> list[Action]:
    """Ask whether the channel is the client's to open."""
    if body.channel in state.channels:
        return refuse(number, codes.ALREADY_SUBSCRIBED)
    if len(state.channels) >= state.limits.max_channels:
        return refuse(number, codes.LIMIT_EXCEEDED)
    if (fault := answers.subscribe_fault(body, state.limits)) is not None:
        return refuse(number, fault)
    return state.ask(Phase.AUTHORIZING, number, body, steps.Authorize(body.channel, body.token))


def allowed(state: SessionState, step: steps.Allowed) -> list[Action]:
    """Go on with the command that asked."""
    body = state.pending
    if not isinstance(body, commands.Subscribe):
        return session_moves.read(state, state.pending_id, body)
    state.phase, state.expires_ms = Phase.JOINING, step.expires_ms
    return [steps.Join(body.channel, body.place, state.limits.recovery_max_publications + 1)]


def joined(state: SessionState, step: steps.Joined) -> list[Action]:
    """Say so, then go live from the top that was said."""
    body = state.pending
    room = state.limits.max_reply_bytes if isinstance(body, commands.Subscribe) else 0
    result = answers.subscribe_result(body.place, step, state.limits, max_bytes=room)
    if (fault := _fault(state, result)) is not None:
        return [steps.Leave(body.channel), *_failed(state, fault)]
    state.channels[body.channel] = state.grace(state.expires_ms)
    live = steps.GoLive(body.channel, after=step.top.offset, listens=getattr(body, "join_leave", False))
    if isinstance(body, commands.Invite):
        state.done()
        return [steps.Send(replies.subscribe_push(body.channel, result)), live]
    return [*state.answer("subscribe", {**result, **answers.expiry(state.ttl(state.expires_ms))}), live]


def join_failed(state: SessionState, _: steps.Failed) -> list[Action]:
    """The client tries again by itself."""
    return [steps.Leave(state.pending.channel), *_failed(state, codes.INTERNAL)]


def _fault(state: SessionState, result: answers.Result) -> ErrorCode | None:
    """Why the channel that was joined can't be had after all."""
    if state.revoked is not None:
        return codes.INTERNAL if state.revoked.resubscribe else codes.PERMISSION_DENIED
    strict = isinstance(state.pending, commands.Subscribe) and state.pending.flag & answers.REJECT_UNRECOVERED
    return codes.UNRECOVERABLE_POSITION if strict and result.get("recovered") is False else None


def _failed(state: SessionState, error: ErrorCode) -> list[Action]:
    """Whom the server invited, it tells nothing but to start afresh."""
    if isinstance(state.pending, commands.Invite):
        return state.close(codes.SERVER_ERROR if error.temporary else codes.FORCE_RECONNECT)
    return state.answer("subscribe", error)


# Its own token


def sub_refresh(state: SessionState, number: int, body: commands.SubRefresh) -> list[Action]:
    """A new token for a channel that came with one."""
    if body.channel not in state.channels:
        return refuse(number, codes.PERMISSION_DENIED)
    if state.channels[body.channel] is None:
        return refuse(number, codes.NOT_AVAILABLE)
    if not body.token:
        return state.close(codes.BAD_FRAME)
    return state.ask(Phase.RENEWING, number, body, steps.Authorize(body.channel, body.token))


def renewed(state: SessionState, step: steps.Allowed) -> list[Action]:
    """It goes on until the new token's end."""
    if state.pending.channel in state.channels:  # it may have been revoked meanwhile
        state.channels[state.pending.channel] = state.grace(step.expires_ms)
    return state.answer("sub_refresh", answers.expiry(state.ttl(step.expires_ms)))


def renewal_expired(state: SessionState, _: steps.Expired) -> list[Action]:
    """An error alone would end the subscription for good; told first that it is over, the client subscribes again."""
    return [
        *state.drop(state.pending.channel, codes.UNSUBSCRIBED_EXPIRED),
        *state.answer("sub_refresh", codes.TOKEN_EXPIRED),
    ]


# The end


def unsubscribe(state: SessionState, number: int, body: commands.Unsubscribe) -> list[Action]:
    """Fine for a channel that isn't open, too."""
    return [*state.leave(body.channel), steps.Send(replies.reply(number, "unsubscribe", {}))]


def revoked(state: SessionState, step: steps.Revoked) -> list[Action]:
    """Close a channel from this side; one that is being joined is refused when that is done."""
    if step.channel in state.channels:
        return state.drop(step.channel, step.code)
    if state.phase is Phase.SUBSCRIBING:
        return state.close(codes.FORCE_RECONNECT)  # what it may have is found out anew
    if state.phase is Phase.JOINING and state.pending.channel == step.channel:
        state.revoked = step.code
    return []
