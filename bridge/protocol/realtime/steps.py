"""What a session takes in, and what it asks the shell around it to do.

An operation (Authenticate, Authorize, Join, ReadHistory, ReadPresence, Review) is answered before the next one is
asked for: the shell performs it and feeds its outcome back. The other actions are done at once, in the order given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocol.realtime.codes import UNSUBSCRIBED_BY_SERVER, DisconnectCode, UnsubscribeCode
from bridge.protocol.realtime.commands import Command
from bridge.protocol.realtime.recovery import Publication, Since, StreamPosition
from bridge.protocol.values import JSON

# In


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The token is good. `expires_ms` None: it never ends. `channels` are those to subscribe the client to.

    `renewable`: it came in a command, so another can follow in one; else the client has to come back for that.
    """

    user: str
    expires_ms: int | None
    channels: tuple[str, ...] = ()
    renewable: bool = True


@dataclass(frozen=True, slots=True)
class Anonymous:
    """There is no token."""


@dataclass(frozen=True, slots=True)
class Expired:
    """The token was good once. `renewable` as above."""

    renewable: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The token is not good."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """The client may open the channel that was asked about; until `expires_ms`, where a token of its own opens it."""

    expires_ms: int | None = None


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
class Present:
    """Who is subscribed: the user of each client id, None where there are too many to name; how many there are."""

    clients: Mapping[str, str] | None
    num_clients: int
    num_users: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The operation can't be done just now; the client may try again."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """The client may no longer have this channel, or, by a code that says so, has to ask for it anew."""

    channel: str
    code: UnsubscribeCode = UNSUBSCRIBED_BY_SERVER


@dataclass(frozen=True, slots=True)
class Extended:
    """The connection may live until `expires_ms`, whatever its token says."""

    expires_ms: int


@dataclass(frozen=True, slots=True)
class Message:
    """Something for this client alone, in no channel: one line of JSON."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The server ends the connection."""

    code: DisconnectCode


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Outcome: TypeAlias = (
    "Authenticated | Anonymous | Expired | Refused | Allowed | Denied | Joined | HistoryRead | Present | Failed"
)
News: TypeAlias = "Revoked | Extended | Message | Disconnected | Tick"
Input: TypeAlias = "Command | Outcome | News"

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
    """The reply was sent: deliver what the channel published meanwhile, from above `after`, and go on.

    `listens`: it wants to know who else comes and goes.
    """

    channel: str
    after: int
    listens: bool = False


@dataclass(frozen=True, slots=True)
class Leave:
    """Deliver nothing more of this channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Operation: check the token; an empty one stands for that of the handshake, if it had one.

    Outcome: Authenticated, Anonymous, Expired, Refused or Failed.
    """

    token: str


@dataclass(frozen=True, slots=True)
class Authorize:
    """Operation: may the client open this channel, by `token` if there is one? Outcome: Allowed, Denied or Failed, with
    a token also Expired.
    """

    channel: str
    token: str = ""


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
class ReadPresence:
    """Operation: who is subscribed? Outcome: Present."""

    channel: str


@dataclass(frozen=True, slots=True)
class Review:
    """Operation: the token changed: are these channels still allowed? Outcome: Revoked for each that isn't."""

    channels: tuple[str, ...]


Operation: TypeAlias = Authenticate | Authorize | Join | ReadHistory | ReadPresence | Review
Action: TypeAlias = "Send | Close | GoLive | Leave | Operation"
