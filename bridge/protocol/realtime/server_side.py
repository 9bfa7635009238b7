"""Subscriptions that the client didn't ask for: the channels that its token names, joined before connect is answered.

The answer has all of them, with what the client missed. Channels that it has no more room for follow as pushes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.protocol.realtime import answers, codes, commands, replies, steps
from bridge.protocol.realtime.commands import Command
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.session_state import Phase, SessionState, refuse
from bridge.protocol.realtime.steps import Action


@dataclass(slots=True)
class Opening:
    """A connect command on its way: whose token, which channels wait to be joined, what the answer has so far."""

    token: steps.Authenticated
    places: dict[str, Since | None]
    room: int
    waiting: deque[str]
    subs: dict[str, answers.Result] = field(default_factory=dict)
    live: list[Action] = field(default_factory=list)


def begin(state: SessionState, token: steps.Authenticated) -> list[Action]:
    """Join the token's channels one after the other."""
    if len(token.channels) > state.limits.max_channels:
        return state.close(codes.CHANNEL_LIMIT)
    for channel in token.channels:
        if (fault := answers.channel_fault(channel, state.limits)) is not None:
            state.phase = Phase.REFUSED
            return refuse(state.pending_id, fault)
    places = {channel: asked.place for channel, asked in state.pending.subs.items()}
    state.pending = Opening(token, places, state.limits.max_reply_bytes, deque(token.channels))
    state.phase = Phase.SUBSCRIBING
    return _next(state, state.pending)


def joined(state: SessionState, step: steps.Joined) -> list[Action]:
    """One more for the answer, if it has room; the first always fits."""
    opening: Opening = state.pending
    channel, limits = opening.waiting[0], state.limits
    result = answers.subscribe_result(opening.places.get(channel), step, limits, max_bytes=opening.room)
    opening.room -= len(replies.subscribe_push(channel, result))
    if opening.room < 0 and opening.subs:
        return [steps.Leave(channel), *_answer(state, opening)]
    opening.waiting.popleft()
    opening.subs[channel] = result
    opening.live.append(steps.GoLive(channel, after=step.top.offset))
    return _next(state, opening)


def join_failed(state: SessionState, _: steps.Failed) -> list[Action]:
    """The client tries again by itself."""
    opening: Opening = state.pending
    state.phase = Phase.REFUSED
    leaving = [steps.Leave(channel) for channel in (*opening.subs, opening.waiting[0])]
    return [*leaving, *refuse(state.pending_id, codes.INTERNAL)]


def invite(channel: str, place: Since | None = None) -> Command:
    """What subscribes the client to `channel` later on."""
    return Command(0, commands.Invite(channel, place))


def invited(state: SessionState, number: int, body: commands.Invite) -> list[Action]:
    """Join it, unless the client was quicker, or has as many as it may."""
    if body.channel in state.channels or len(state.channels) >= state.limits.max_channels:
        return []
    return state.ask(Phase.JOINING, number, body, steps.Join(body.channel, body.place, 1))


def _next(state: SessionState, opening: Opening) -> list[Action]:
    if not opening.waiting:
        return _answer(state, opening)
    channel = opening.waiting[0]
    return [steps.Join(channel, opening.places.get(channel), state.limits.recovery_max_publications + 1)]


def _answer(state: SessionState, opening: Opening) -> list[Action]:
    state.channels = dict.fromkeys(opening.subs)
    state.backlog.extend(invite(channel, opening.places.get(channel)) for channel in opening.waiting)
    state.ping_ms = state.now_ms + state.limits.ping_interval_ms
    ttl_ms = state.lifetime(opening.token)
    result = answers.connect_result(state.client, state.limits, ttl_ms=ttl_ms, subs=opening.subs)
    if state.secret:
        result = {**result, "session": state.secret, "node": ""}
    return [*state.answer("connect", result), *opening.live]
