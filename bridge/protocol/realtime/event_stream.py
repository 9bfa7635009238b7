"""A session's replies and pushes as server-sent events, for a client that speaks no protocol: one channel, read only.

Source: the HTML standard, "Server-sent events". An event's id is `<offset>@<epoch>`, which is what comes back as
Last-Event-ID; publications without an offset have none, so that they never move a reader's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.replies import PING, SEPARATOR

COMMENT = b":\n\n"
MAX_OFFSET_DIGITS = 18

STATUS: Mapping[int, int] = {
    codes.UNAUTHORIZED.code: 401,
    codes.TOKEN_EXPIRED.code: 401,
    codes.UNKNOWN_CHANNEL.code: 404,
    codes.PERMISSION_DENIED.code: 403,
    codes.BAD_REQUEST.code: 400,
    codes.INVALID_TOKEN.code: 401,
    codes.CONNECTION_EXPIRED.code: 401,
    codes.CONNECTION_LIMIT.code: 429,
}
"""What the protocol's codes are in HTTP, before a stream has begun; any other is 503."""


class _Pub(msgspec.Struct):
    data: msgspec.Raw
    offset: int | None = None


class _Subscribed(msgspec.Struct):
    epoch: str
    offset: int
    recovered: bool = False
    publications: list[_Pub] = []
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Connected(msgspec.Struct):
    subs: dict[str, _Subscribed] = {}


class _Error(msgspec.Struct):
    code: int
    message: str


class _Push(msgspec.Struct):
    channel: str = ""
    pub: _Pub | None = None
    unsubscribe: dict[str, Any] | None = None
    disconnect: dict[str, Any] | None = None
    message: dict[str, msgspec.Raw] | None = None


class _Line(msgspec.Struct):
    connect: _Connected | None = None
    subscribe: _Subscribed | None = None
    error: _Error | None = None
    push: _Push | None = None


_decode = msgspec.json.Decoder(_Line).decode


def parse_place(text: str) -> Since:
    """The place that an event's id names; without `@<epoch>` in any epoch. Raises ValueError."""
    offset, _, epoch = text.partition("@")
    if not (offset.isascii() and offset.isdecimal() and len(offset) <= MAX_OFFSET_DIGITS):
        raise ValueError("a place is <offset> or <offset>@<epoch>, as in an event's id")
    return Since(int(offset), epoch)


class EventStream:
    """One reader of `channel`, from behind `since`; None: from now on.

    `refusal` is the error that ended it before it began, `live` whether it has begun. `ended` is called when
    the server ends the subscription.
    """

    def __init__(self, channel: str, since: Since | None) -> None:
        self.refusal: tuple[int, str] | None = None
        self.live = False
        self.ended: Callable[[], object] = _nobody
        self._channel = channel
        self._since = since
        self._epoch = ""

    def connect(self) -> str:
        """The first command: a channel that the token names is subscribed to with it."""
        return _command(1, "connect", {"subs": {self._channel: self._place()}})

    def subscribe(self) -> str:
        """The second, where the first one's answer didn't have the channel."""
        return _command(2, "subscribe", {"channel": self._channel, **self._place()})

    def encode(self, payload: bytes) -> bytes:
        """What the reader gets of what the session says, or of a publication."""
        return b"".join([self._line(line) for line in payload.split(SEPARATOR)])

    def _place(self) -> dict[str, Any]:
        since = self._since
        return {} if since is None else {"recover": True, "offset": since.offset, "epoch": since.epoch}

    def _line(self, line: bytes) -> bytes:
        if line == PING:
            return COMMENT
        said = _decode(line)
        if said.push is not None:
            return self._push(said.push)
        if said.error is not None:
            self.refusal = (said.error.code, said.error.message)
        subscribed = said.subscribe or (said.connect and said.connect.subs.get(self._channel))
        return self._begin(subscribed) if subscribed else b""

    def _begin(self, place: _Subscribed) -> bytes:
        self.live, self._epoch = True, place.epoch
        gap = self._since is not None and not place.recovered
        at = msgspec.json.encode({"offset": place.offset, "epoch": place.epoch})
        missed = b"".join([self._publication(each) for each in place.publications])
        told = _event(b"gap", at, place=self._id(place.offset)) if gap else b""
        return told + _event(b"subscribed", bytes(place.data), place=self._id(place.offset)) + missed

    def _push(self, push: _Push) -> bytes:
        if push.disconnect is not None:
            return _event(b"disconnect", msgspec.json.encode(push.disconnect))
        if push.channel != self._channel:
            return _event(b"notice", bytes(push.message["data"])) if push.message is not None else b""
        if push.unsubscribe is not None:
            self.ended()
            return _event(b"unsubscribe", msgspec.json.encode(push.unsubscribe))
        return self._publication(push.pub) if push.pub is not None else b""

    def _publication(self, publication: _Pub) -> bytes:
        place = b"" if publication.offset is None else self._id(publication.offset)
        return _event(b"", bytes(publication.data), place=place)

    def _id(self, offset: int) -> bytes:
        return b"%d@%s" % (offset, self._epoch.encode())


def status_of(code: int) -> int:
    """The HTTP status of a refusal."""
    return STATUS.get(code, 503)


def _nobody() -> None:
    """Nobody to tell yet."""


def _command(number: int, method: str, body: Mapping[str, Any]) -> str:
    return msgspec.json.encode({"id": number, method: body}).decode()


def _event(kind: bytes, data: bytes, *, place: bytes = b"") -> bytes:
    """`data` is one line."""
    lines = [b"event: " + kind] if kind else []
    if place:
        lines.append(b"id: " + place)
    return b"\n".join([*lines, b"data: " + data, b"", b""])
