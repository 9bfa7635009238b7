"""What a session takes in, and what it asks the shell around it to do.

An operation (Authenticate, Authorize, Join, ReadHistory, Review) is answered before the next one is asked for:
the shell performs it and feeds its outcome back. The other actions are done at once, in the order given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocol.realtime.codes import DisconnectCode
from bridge.protocol.realtime.commands import Command
from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition
from bridge.protocol.values import JSON

# In


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The token is good. `expires_ms` None: it never ends."""

    user: str
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Expired:
    """The token was good once."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The token is not good."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The client may open the channel that was asked about."""


@dataclass(frozen=True, slots=True)
class Denied:
    """It may not."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The channel is registered, and then were read: its top, what is behind the client's place, the open ids."""

    top: StreamPosition
    publications: tuple[Publication, ...]
    data: Mapping[str, JSON] | None


@dataclass(frozen=True, slots=True)
class HistoryRead:
    """The channel's top, and the publications that were asked for."""

    top: StreamPosition
    publications: tuple[Publication, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation can't be done just now; the client may try again."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """The client may no longer have this channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The server ends the connection."""

    code: DisconnectCode


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Outcome: TypeAlias = "Authenticated | Expired | Refused | Allowed | Denied | Joined | HistoryRead | Failed"
Input: TypeAlias = "Command | Outcome | Revoked | Disconnected | Tick"

# Out


@dataclass(frozen=True, slots=True)
class Send:
    """One reply or push for the client; several may share a frame, a newline between two."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection. Nothing comes after it."""

    code: DisconnectCode


@dataclass(frozen=True, slots=True)
class GoLive:
    """The reply was sent: deliver what the channel published meanwhile, from above `after`, and go on."""

    channel: str
    after: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Deliver nothing more of this channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Operation: check the token. Outcome: Authenticated, Expired, Refused or Failed."""

    token: str


@dataclass(frozen=True, slots=True)
class Authorize:
    """Operation: may the client open this channel? Outcome: Allowed, Denied or Failed."""

    channel: str


@dataclass(frozen=True, slots=True)
class Join:
    """Operation: register with the channel, then read its top, then at most `limit` publications behind `since`
    (where there is one that the top follows), then the open ids. Outcome: Joined or Failed.
    """

    channel: str
    since: Since | None
    limit: int


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """Operation: read the top, then `limit` publications behind `since` (reverse: before it). Outcome: HistoryRead
    or Failed. `since` None stands for the beginning (reverse: behind the top).
    """

    channel: str
    since: int | None
    limit: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class Review:
    """Operation: the token changed: are these channels still allowed? Outcome: Revoked for each that isn't."""

    channels: tuple[str, ...]


Operation: TypeAlias = Authenticate | Authorize | Join | ReadHistory | Review
Action: TypeAlias = "Send | Close | GoLive | Leave | Operation"
