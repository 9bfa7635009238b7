"""What a session remembers between two steps, and the few ways to change it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bridge.protocol.realtime import answers, codes, commands, replies, steps
from bridge.protocol.realtime.codes import DisconnectCode, ErrorCode
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.steps import Action


class Phase(Enum):
    """Where a session stands; in all but FRESH, REFUSED, READY and CLOSED an operation's outcome is awaited."""

    FRESH = auto()  # nothing but connect may come
    AUTHENTICATING = auto()
    REFUSED = auto()  # the client was told why and hangs up; what it had already sent is not its fault
    READY = auto()
    AUTHORIZING = auto()
    JOINING = auto()
    READING = auto()
    REFRESHING = auto()
    CLOSED = auto()


OPENING = (Phase.FRESH, Phase.AUTHENTICATING, Phase.REFUSED)
BUSY = (Phase.AUTHENTICATING, Phase.AUTHORIZING, Phase.JOINING, Phase.READING, Phase.REFRESHING)
LIVE = tuple(phase for phase in Phase if phase is not Phase.CLOSED)


@dataclass(slots=True)
class SessionState:
    """One session's memory. `client` is the id that the client is told; `now_ms` the latest time that was told.

    `end_ms` is the end of waiting for a token, later the token's own end with its grace; None: never.
    """

    client: str
    limits: SessionLimits
    now_ms: int
    end_ms: int | None
    phase: Phase = Phase.FRESH
    user: str | None = None
    channels: dict[str, None] = field(default_factory=dict)  # in the order of subscribing
    backlog: deque[commands.Command] = field(default_factory=deque)
    pending_id: int = 0
    pending: Any = None  # the body of the command that the phase's operation serves; the table pairs the two
    revoked: bool = False
    ping_ms: int = 0
    pong_ms: int | None = None

    def ask(self, phase: Phase, number: int, body: commands.Body, operation: Action) -> list[Action]:
        """Command `number` needs `operation`; `phase` awaits its outcome."""
        self.phase = phase
        self.pending_id, self.pending = number, body
        self.revoked = False
        return [operation]

    def answer(self, method: str, result: answers.Result | ErrorCode) -> list[Action]:
        """Reply to the pending command; the session is ready for the next one."""
        self.phase = Phase.READY
        if isinstance(result, ErrorCode):
            return refuse(self.pending_id, result)
        return [steps.Send(replies.reply(self.pending_id, method, result))]

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

    def lifetime(self, expires_ms: int | None) -> int | None:
        """Note when the token ends; milliseconds until then come back."""
        self.end_ms = None if expires_ms is None else expires_ms + self.limits.expired_grace_ms
        return None if expires_ms is None else expires_ms - self.now_ms

    def tick(self) -> list[Action]:
        """What is due at `now_ms`."""
        if self.end_ms is not None and self.now_ms >= self.end_ms:
            return self.close(codes.STALE if self.phase in OPENING else codes.CONNECTION_EXPIRED)
        if self.phase in OPENING:
            return []
        if self.pong_ms is not None and self.now_ms >= self.pong_ms:
            return self.close(codes.NO_PONG)
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
        pings = () if self.phase in OPENING else (self.ping_ms, self.pong_ms)
        return min((at for at in (self.end_ms, *pings) if at is not None), default=None)


def refuse(number: int, error: ErrorCode) -> list[Action]:
    """Command `number` fails; nothing else changes."""
    return [steps.Send(replies.error_reply(number, error))]
