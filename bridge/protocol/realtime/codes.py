"""The numbers of the client protocol and what each tells the client to do.

Source: Centrifugo's documentation of client protocol error, unsubscribe and disconnect codes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """Stands in the reply to one command. A temporary one invites the client to try the command again."""

    code: int
    message: str
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class DisconnectCode:
    """Ends a connection: a WebSocket close code and its reason (below 124 bytes)."""

    code: int
    reason: str

    @property
    def reconnect(self) -> bool:
        """Whether a client comes back by itself: not after 3500 to 3999 and 4500 to 4999."""
        return not (3500 <= self.code < 4000 or 4500 <= self.code < 5000)


@dataclass(frozen=True, slots=True)
class UnsubscribeCode:
    """Ends one subscription by a push. From 2500 the client subscribes again, below it doesn't."""

    code: int
    reason: str

    @property
    def resubscribe(self) -> bool:
        """Whether the client asks for the channel again by itself."""
        return self.code >= 2500


INTERNAL = ErrorCode(100, "internal server error", temporary=True)
UNAUTHORIZED = ErrorCode(101, "unauthorized")
UNKNOWN_CHANNEL = ErrorCode(102, "unknown channel")
PERMISSION_DENIED = ErrorCode(103, "permission denied")
METHOD_NOT_FOUND = ErrorCode(104, "method not found")
ALREADY_SUBSCRIBED = ErrorCode(105, "already subscribed")
LIMIT_EXCEEDED = ErrorCode(106, "limit exceeded")
BAD_REQUEST = ErrorCode(107, "bad request")
NOT_AVAILABLE = ErrorCode(108, "not available")
TOKEN_EXPIRED = ErrorCode(109, "token expired")
EXPIRED = ErrorCode(110, "expired")
TOO_MANY_REQUESTS = ErrorCode(111, "too many requests", temporary=True)
UNRECOVERABLE_POSITION = ErrorCode(112, "unrecoverable position")
TOKEN_REVOKED = ErrorCode(113, "token revoked")

ERRORS = (
    INTERNAL,
    UNAUTHORIZED,
    UNKNOWN_CHANNEL,
    PERMISSION_DENIED,
    METHOD_NOT_FOUND,
    ALREADY_SUBSCRIBED,
    LIMIT_EXCEEDED,
    BAD_REQUEST,
    NOT_AVAILABLE,
    TOKEN_EXPIRED,
    EXPIRED,
    TOO_MANY_REQUESTS,
    UNRECOVERABLE_POSITION,
    TOKEN_REVOKED,
)

UNSUBSCRIBED_BY_SERVER = UnsubscribeCode(2000, "server unsubscribe")
UNSUBSCRIBED_INSUFFICIENT = UnsubscribeCode(2500, "insufficient state")
UNSUBSCRIBED_EXPIRED = UnsubscribeCode(2501, "subscription expired")
UNSUBSCRIBED_INVALIDATED = UnsubscribeCode(2502, "state invalidated")

UNSUBSCRIBES = (
    UNSUBSCRIBED_BY_SERVER,
    UNSUBSCRIBED_INSUFFICIENT,
    UNSUBSCRIBED_EXPIRED,
    UNSUBSCRIBED_INVALIDATED,
)

CONNECTION_CLOSED = DisconnectCode(3000, "connection closed")
SHUTDOWN = DisconnectCode(3001, "shutdown")
SERVER_ERROR = DisconnectCode(3004, "internal server error")
CONNECTION_EXPIRED = DisconnectCode(3005, "connection expired")
SUBSCRIPTION_EXPIRED = DisconnectCode(3006, "subscription expired")
SLOW = DisconnectCode(3008, "slow")
WRITE_ERROR = DisconnectCode(3009, "write error")
INSUFFICIENT_STATE = DisconnectCode(3010, "insufficient state")
FORCE_RECONNECT = DisconnectCode(3011, "force reconnect")
NO_PONG = DisconnectCode(3012, "no pong")
TOO_MANY_COMMANDS = DisconnectCode(3013, "too many requests")
STATE_INVALIDATED = DisconnectCode(3014, "state invalidated")
INVALID_TOKEN = DisconnectCode(3500, "invalid token")
BAD_FRAME = DisconnectCode(3501, "bad request")
STALE = DisconnectCode(3502, "stale")
FORCE_DISCONNECT = DisconnectCode(3503, "force disconnect")
CONNECTION_LIMIT = DisconnectCode(3504, "connection limit")
CHANNEL_LIMIT = DisconnectCode(3505, "channel limit")
INAPPROPRIATE_PROTOCOL = DisconnectCode(3506, "inappropriate protocol")
ACCESS_DENIED = DisconnectCode(3507, "permission denied")
SEND_NOT_AVAILABLE = DisconnectCode(3508, "not available")
TOO_MANY_ERRORS = DisconnectCode(3509, "too many errors")

DISCONNECTS = (
    CONNECTION_CLOSED,
    SHUTDOWN,
    SERVER_ERROR,
    CONNECTION_EXPIRED,
    SUBSCRIPTION_EXPIRED,
    SLOW,
    WRITE_ERROR,
    INSUFFICIENT_STATE,
    FORCE_RECONNECT,
    NO_PONG,
    TOO_MANY_COMMANDS,
    STATE_INVALIDATED,
    INVALID_TOKEN,
    BAD_FRAME,
    STALE,
    FORCE_DISCONNECT,
    CONNECTION_LIMIT,
    CHANNEL_LIMIT,
    INAPPROPRIATE_PROTOCOL,
    ACCESS_DENIED,
    SEND_NOT_AVAILABLE,
    TOO_MANY_ERRORS,
)
