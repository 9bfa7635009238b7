"""One client's session as a pure state machine: what it does in which phase stands in one table.

Commands run one after the other. While an operation is under way (its outcome is what the phase waits for) further
commands wait in line; the line is at most one frame long, because the shell reads the next frame when it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from bridge.protocol.realtime import channel_moves, codes, commands, protobuf, server_side, session_moves, steps
from bridge.protocol.realtime.codes import DisconnectCode, ErrorCode
from bridge.protocol.realtime.commands import Command
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.session_state import BUSY, CONNECTED, LIVE, Phase, SessionState, refuse
from bridge.protocol.realtime.steps import Action

Move: TypeAlias = Callable[..., list[Action]]


def _refuse(error: ErrorCode) -> Move:
    return lambda _, number, __: refuse(number, error)


def _answer(error: ErrorCode) -> Move:
    return lambda state, _: state.answer("", error)


def _refuse_connect(error: ErrorCode) -> Move:
    return lambda state, _: session_moves.connect_refused(state, error)


def _close(code: DisconnectCode) -> Move:
    return lambda state, *_: state.close(code)


def _defer(state: SessionState, number: int, body: commands.Body) -> list[Action]:
    state.backlog.append(Command(number, body))
    return []


def _disconnect(state: SessionState, step: steps.Disconnected) -> list[Action]:
    return state.close(step.code)


def _tick(state: SessionState, _: steps.Tick) -> list[Action]:
    return state.tick()


READY_COMMANDS: dict[type, Move] = {
    commands.Connect: _close(codes.BAD_FRAME),
    commands.Subscribe: channel_moves.subscribe,
    commands.Unsubscribe: channel_moves.unsubscribe,
    commands.SubRefresh: channel_moves.sub_refresh,
    commands.History: session_moves.history,
    commands.Presence: session_moves.presence,
    commands.PresenceStats: session_moves.presence,
    commands.Refresh: session_moves.refresh,
    commands.Publish: session_moves.publish,
    commands.Ping: session_moves.ping,
    commands.Rpc: _refuse(codes.METHOD_NOT_FOUND),  # there are no methods
    commands.Unknown: _refuse(codes.METHOD_NOT_FOUND),
    commands.Asynchronous: _close(codes.SEND_NOT_AVAILABLE),
    commands.Invite: server_side.invited,
}

TRANSITIONS: dict[tuple[Phase, type], Move] = {
    **{(Phase.READY, kind): move for kind, move in READY_COMMANDS.items()},
    **{(Phase.FRESH, kind): _close(codes.BAD_FRAME) for kind in (*READY_COMMANDS, commands.Pong)},
    **{(phase, kind): _defer for phase in BUSY for kind in READY_COMMANDS},
    (Phase.FRESH, commands.Connect): session_moves.connect,
    (Phase.AUTHENTICATING, steps.Authenticated): session_moves.connected,
    (Phase.AUTHENTICATING, steps.Anonymous): _refuse_connect(codes.UNAUTHORIZED),
    (Phase.AUTHENTICATING, steps.Expired): session_moves.connect_expired,
    (Phase.AUTHENTICATING, steps.Refused): _close(codes.INVALID_TOKEN),
    (Phase.AUTHENTICATING, steps.Failed): _refuse_connect(codes.INTERNAL),
    (Phase.SUBSCRIBING, steps.Joined): server_side.joined,
    (Phase.SUBSCRIBING, steps.Failed): server_side.join_failed,
    (Phase.REFRESHING, steps.Authenticated): session_moves.refreshed,
    (Phase.REFRESHING, steps.Expired): _close(codes.CONNECTION_EXPIRED),  # the client comes back with another
    (Phase.REFRESHING, steps.Refused): _close(codes.INVALID_TOKEN),
    (Phase.REFRESHING, steps.Failed): _answer(codes.INTERNAL),
    (Phase.AUTHORIZING, steps.Allowed): channel_moves.allowed,
    (Phase.AUTHORIZING, steps.Denied): _answer(codes.PERMISSION_DENIED),
    (Phase.AUTHORIZING, steps.Expired): _answer(codes.TOKEN_EXPIRED),  # the client asks again with another
    (Phase.AUTHORIZING, steps.Failed): _answer(codes.INTERNAL),
    (Phase.JOINING, steps.Joined): channel_moves.joined,
    (Phase.JOINING, steps.Failed): channel_moves.join_failed,
    (Phase.RENEWING, steps.Allowed): channel_moves.renewed,
    (Phase.RENEWING, steps.Denied): _answer(codes.PERMISSION_DENIED),
    (Phase.RENEWING, steps.Expired): channel_moves.renewal_expired,
    (Phase.RENEWING, steps.Failed): _answer(codes.INTERNAL),
    (Phase.READING, steps.HistoryRead): session_moves.history_read,
    (Phase.READING, steps.Failed): _answer(codes.INTERNAL),
    (Phase.LOOKING, steps.Present): session_moves.presence_read,
    (Phase.LOOKING, steps.Failed): _answer(codes.INTERNAL),
    **{(phase, steps.Message): session_moves.message for phase in CONNECTED},
    **{(phase, steps.Extended): session_moves.extended for phase in CONNECTED},
    **{(phase, steps.Tick): _tick for phase in LIVE},
    **{(phase, steps.Revoked): channel_moves.revoked for phase in LIVE},
    **{(phase, steps.Disconnected): _disconnect for phase in LIVE},
}
"""(phase, kind of step) → what the session does. What isn't here is ignored."""


class Session:
    """Takes steps in, gives actions out; knows time only as `now_ms`. `client` is the id that the client is told.

    `secret` is what it names its session by where its commands come apart from the stream.
    """

    __slots__ = ("_bucket", "_state")

    def __init__(self, client: str, limits: SessionLimits, *, now_ms: int, secret: str = "") -> None:
        self._bucket = limits.commands(now_ms)
        self._state = SessionState(client, limits, now_ms, now_ms + limits.authenticate_timeout_ms, secret=secret)

    @property
    def phase(self) -> Phase:
        """Where the session stands."""
        return self._state.phase

    @property
    def client(self) -> str:
        """The id that the client is told."""
        return self._state.client

    @property
    def user(self) -> str | None:
        """Whose session it is, once connected."""
        return self._state.user

    @property
    def channels(self) -> Iterable[str]:
        """The channels that are open, in the order of subscribing."""
        return tuple(self._state.channels)

    @property
    def busy(self) -> bool:
        """Whether an operation's outcome is awaited."""
        return self._state.phase in BUSY

    @property
    def deadline_ms(self) -> int | None:
        """When the next Tick is due; None: never."""
        return self._state.next_ms()

    def receive(self, frame: str | bytes, *, now_ms: int) -> list[Action]:
        """Take a frame from the client: any text (JSON), or any bytes (Protobuf). Never raises."""
        decode: Callable[..., list[Command]] = (
            commands.decode_frame if isinstance(frame, str) else protobuf.decode_frame
        )
        try:
            received = decode(frame, most=self._state.limits.command_burst)
        except commands.TooManyCommands:
            return self.feed(steps.Disconnected(codes.TOO_MANY_COMMANDS), now_ms=now_ms)
        except commands.MalformedFrame:
            return self.feed(steps.Disconnected(codes.BAD_FRAME), now_ms=now_ms)
        return [action for command in received for action in self.feed(command, now_ms=now_ms)]

    def feed(self, step: steps.Input, *, now_ms: int) -> list[Action]:
        """Take one step. Never raises; a step that has no place in the phase is ignored."""
        state = self._state
        state.now_ms = max(state.now_ms, now_ms)
        actions = self._meter(step) if isinstance(step, Command) else self._take(step)
        while state.backlog and not self.busy:
            actions += self._take(state.backlog.popleft())
        return actions

    def _meter(self, command: Command) -> list[Action]:
        self._state.pong_ms = None  # whatever comes, the client is alive
        if self._state.phase in LIVE and self._bucket.take(self._state.now_ms) > 0:
            return self._state.close(codes.TOO_MANY_COMMANDS)
        return self._take(command)

    def _take(self, step: steps.Input) -> list[Action]:
        kind = type(step.body) if isinstance(step, Command) else type(step)
        move = TRANSITIONS.get((self._state.phase, kind))
        if move is None:
            return []
        return move(self._state, step.id, step.body) if isinstance(step, Command) else move(self._state, step)
