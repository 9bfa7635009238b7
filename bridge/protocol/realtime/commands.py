"""Reads what a client sends: frames of newline-separated JSON commands (Centrifugo client protocol, version 2).

The same in Protobuf is bridge.protocol.realtime.protobuf.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

from bridge.protocol.realtime.recovery import Since

Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Fits every database's integer."""
Uint32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class MalformedFrame(Exception):
    """The frame holds something that is no command. The text repeats nothing of the frame."""


class TooManyCommands(Exception):
    """More than the client may send at once: not worth reading."""


class Recovery(Struct, frozen=True, kw_only=True):
    """With `recover`, a channel is to go on from the place that `offset` and `epoch` name."""

    recover: bool = False
    epoch: str = ""
    offset: Offset = 0

    @property
    def place(self) -> Since | None:
        """Where the client wants to recover from, if it does."""
        return Since(self.offset, self.epoch) if self.recover else None


class Connect(Struct, frozen=True):
    """Opens the session. `subs` has the client's places in channels that the server had subscribed it to.

    `headers` stand for HTTP's, which a browser can't set; `Authorization: Bearer` is the one that is looked at.
    """

    token: str = ""
    subs: dict[str, Recovery] = {}
    headers: dict[str, str] = {}

    @property
    def bearer(self) -> str:
        """The token, in whichever of its two places; empty: in none."""
        given = (value for name, value in self.headers.items() if name.lower() == "authorization")
        scheme, _, credentials = next(given, "").partition(" ")
        return self.token or (credentials.strip() if scheme.lower() == "bearer" else "")


class Subscribe(Recovery, frozen=True):
    """Opens a channel. `token` opens this one alone; `join_leave` asks to be told who else comes and goes.

    `flag` is sent by every client (bit 0: channel ids, declined; bit 1: rather error 112 than `recovered: false`).
    `type` other than 0 asks for another kind of subscription, `tf` for a filter by tags. Every channel is positioned
    and recoverable, whether asked for or not; `delta` is declined.
    """

    channel: str
    token: str = ""
    join_leave: bool = False
    flag: Int32 = 0
    type: Int32 = 0
    tf: Any = None


class Unsubscribe(Struct, frozen=True):
    """Closes a channel."""

    channel: str


class HistorySince(Struct, frozen=True):
    """A place in a channel, as a client writes it."""

    offset: Offset = 0
    epoch: str = ""


class History(Struct, frozen=True):
    """Asks for publications behind (`reverse`: before) `since`. No limit: the top only; negative: as many as go."""

    channel: str
    limit: Int32 = 0
    since: HistorySince | None = None
    reverse: bool = False

    @property
    def place(self) -> Since | None:
        """`since` as a value of ours."""
        return None if self.since is None else Since(self.since.offset, self.since.epoch)


class Refresh(Struct, frozen=True):
    """Brings a new token for the whole connection."""

    token: str = ""


class SubRefresh(Struct, frozen=True):
    """Brings a new token for a channel that has one of its own."""

    channel: str = ""
    token: str = ""


class Publish(Struct, frozen=True):
    """Asks to publish into a channel."""

    channel: str = ""


class Rpc(Struct, frozen=True):
    """Asks to call a method."""

    method: str = ""


class Presence(Struct, frozen=True):
    """Asks who is subscribed."""

    channel: str = ""


class PresenceStats(Struct, frozen=True):
    """Asks how many are subscribed."""

    channel: str = ""


class Asynchronous(Struct, frozen=True):
    """A message without a reply (`send` on the wire)."""


class Ping(Struct, frozen=True):
    """Asks whether the server is there."""


class Pong(Struct, frozen=True):
    """The empty command: an answer to the server's ping."""


class Invite(Struct, frozen=True):
    """The server's own, which no client can send: subscribe the client to a channel; `place` is where it says it is."""

    channel: str
    place: Since | None = None


class Unknown(Struct, frozen=True):
    """A command of a method that isn't known here."""


Body: TypeAlias = (
    "Connect | Subscribe | Unsubscribe | History | Refresh | SubRefresh | Publish | Rpc | Presence | PresenceStats"
    " | Asynchronous | Ping | Pong | Invite | Unknown"
)


class Command(Struct, frozen=True):
    """One command: the id that its reply repeats (0 where there is none), and what it asks for."""

    id: int
    body: Body


class Wire(Struct, frozen=True):
    """A command as it stands on the wire. Fields that aren't named here are skipped."""

    id: Uint32 = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: Unsubscribe | None = None
    history: History | None = None
    refresh: Refresh | None = None
    sub_refresh: SubRefresh | None = None
    publish: Publish | None = None
    rpc: Rpc | None = None
    presence: Presence | None = None
    presence_stats: PresenceStats | None = None
    send: Asynchronous | None = None
    ping: Ping | None = None


_METHODS = tuple(name for name in Wire.__struct_fields__ if name != "id")
_decoder = msgspec.json.Decoder(Wire)


def decode_frame(frame: str, *, most: float = math.inf) -> list[Command]:
    """The commands of a frame, at least one, in order. Raises MalformedFrame, TooManyCommands above `most`; nothing
    of the frame counts then.
    """
    if frame.count("\n") > most:
        raise TooManyCommands
    return [_decode(line) for line in frame.removesuffix("\n").split("\n")]


def _decode(line: str) -> Command:
    try:
        wire = _decoder.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:  # a deep document ends in a RecursionError
        raise MalformedFrame("not a command") from error
    return command_of(wire, empty=line.strip(" \t\r") == "{}")


def command_of(wire: Wire, *, empty: bool) -> Command:
    """What is asked for; `empty`: there was nothing in it. Raises MalformedFrame."""
    bodies: list[Body] = [asked for name in _METHODS if (asked := getattr(wire, name)) is not None]
    if len(bodies) > 1:
        raise MalformedFrame("more than one method in a command")
    body = bodies[0] if bodies else Unknown()
    if wire.id:
        return Command(wire.id, body)
    if isinstance(body, Asynchronous):
        return Command(0, body)
    if not empty:
        raise MalformedFrame("a command without an id")
    return Command(0, Pong())
