"""What a session remembers between two steps, and the few ways to change it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bridge.protocol.realtime import answers, codes, commands, replies, steps
from bridge.protocol.realtime.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.steps import Action


class Phase(Enum):
    """Where a session stands; in all but FRESH, REFUSED, READY and CLOSED an operation's outcome is awaited."""

    FRESH = auto()  # nothing but connect may come
    AUTHENTICATING = auto()
    SUBSCRIBING = auto()  # to what the token names; the connect command is answered when all of it is joined
    REFUSED = auto()  # the client was told why and hangs up; what it had already sent is not its fault
    READY = auto()
    AUTHORIZING = auto()
    JOINING = auto()
    READING = auto()
    LOOKING = auto()  # who is present
    REFRESHING = auto()
    RENEWING = auto()  # a channel's own token
    CLOSED = auto()


OPENING = (Phase.FRESH, Phase.AUTHENTICATING, Phase.SUBSCRIBING, Phase.REFUSED)
BUSY = tuple(phase for phase in Phase if phase not in (Phase.FRESH, Phase.REFUSED, Phase.READY, Phase.CLOSED))
LIVE = tuple(phase for phase in Phase if phase is not Phase.CLOSED)
CONNECTED = tuple(phase for phase in LIVE if phase not in OPENING)


@dataclass(slots=True)
class SessionState:
    """One session's memory. `client` is the id that the client is told; `now_ms` the latest time that was told,
    `secret` what a client that posts its commands names its session by; "": it doesn't.

    `end_ms` is the end of waiting for a token, later the token's own end with its grace; None: never. `channels` has
    the same for those that a token of their own opened; None: the connection's counts.
    """

    client: str
    limits: SessionLimits
    now_ms: int
    end_ms: int | None
    phase: Phase = Phase.FRESH
    user: str | None = None
    channels: dict[str, int | None] = field(default_factory=dict)  # in the order of subscribing
    backlog: deque[commands.Command] = field(default_factory=deque)
    pending_id: int = 0
    pending: Any = None  # the body of the command that the phase's operation serves; the table pairs the two
    expires_ms: int | None = None  # of the token that opens the channel that is being joined
    revoked: UnsubscribeCode | None = None  # that channel may no longer be had
    ping_ms: int = 0
    pong_ms: int | None = None
    secret: str = ""

    def ask(self, phase: Phase, number: int, body: commands.Body, operation: Action) -> list[Action]:
        """Command `number` needs `operation`; `phase` awaits its outcome."""
        self.phase = phase
        self.pending_id, self.pending = number, body
        self.expires_ms = self.revoked = None
        return [operation]

    def answer(self, method: str, result: answers.Result | ErrorCode) -> list[Action]:
        """Reply to the pending command; the session is ready for the next one."""
        self.done()
        if isinstance(result, ErrorCode):
            return refuse(self.pending_id, result)
        return [steps.Send(replies.reply(self.pending_id, method, result))]

    def done(self) -> None:
        """Ready for the next command; tokens and pages of the last one aren't kept."""
        self.phase, self.pending = Phase.READY, None

    def close(self, code: DisconnectCode) -> list[Action]:
        """Nothing is answered any more."""
        self.phase = Phase.CLOSED
        self.backlog.clear()
        return [steps.Close(code)]

    def leave(self, channel: str) -> list[Action]:
        """Forget a channel, if it was open."""
        if channel not in self.channels:
            return []
        del self.channels[channel]
        return [steps.Leave(channel)]

    def drop(self, channel: str, code: UnsubscribeCode) -> list[Action]:
        """End a channel from this side, if it was open."""
        left = self.leave(channel)
        return [*left, steps.Send(replies.unsubscribe_push(channel, code))] if left else []

    def lifetime(self, token: steps.Authenticated) -> int | None:
        """Note when the token ends; milliseconds until then come back where the client may bring another."""
        if token.renewable:
            self.end_ms = self.grace(token.expires_ms)
            return self.ttl(token.expires_ms)
        self.end_ms = token.expires_ms
        return None

    def grace(self, expires_ms: int | None) -> int | None:
        """Until when what expires is waited for."""
        return None if expires_ms is None else expires_ms + self.limits.expired_grace_ms

    def ttl(self, expires_ms: int | None) -> int | None:
        """Milliseconds from now."""
        return None if expires_ms is None else expires_ms - self.now_ms

    def tick(self) -> list[Action]:
        """What is due at `now_ms`."""
        if self.end_ms is not None and self.now_ms >= self.end_ms:
            return self.close(codes.STALE if self.phase in OPENING else codes.CONNECTION_EXPIRED)
        if self.phase in OPENING:
            return []
        if self.pong_ms is not None and self.now_ms >= self.pong_ms:
            return self.close(codes.NO_PONG)
        over = [channel for channel, end_ms in self.channels.items() if end_ms is not None and self.now_ms >= end_ms]
        actions = [action for channel in over for action in self.drop(channel, codes.UNSUBSCRIBED_EXPIRED)]
        return actions + self._ping()

    def _ping(self) -> list[Action]:
        if self.now_ms < self.ping_ms:
            return []
        self.ping_ms = self.now_ms + self.limits.ping_interval_ms
        if self.pong_ms is None:  # a pong that is awaited already is not put off
            self.pong_ms = self.now_ms + self.limits.pong_timeout_ms
        return [steps.Send(replies.PING)]

    def next_ms(self) -> int | None:
        """When something is due next."""
        if self.phase is Phase.CLOSED:
            return None
        if self.phase in OPENING:
            return self.end_ms
        due = (self.end_ms, self.ping_ms, self.pong_ms, *self.channels.values())
        return min(at for at in due if at is not None)


def refuse(number: int, error: ErrorCode) -> list[Action]:
    """Command `number` fails; nothing else changes."""
    return [steps.Send(replies.error_reply(number, error))]
