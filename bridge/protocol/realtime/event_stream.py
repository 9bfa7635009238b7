"""A session's replies and pushes as server-sent events, for a client that speaks no protocol: one channel, read only.

Source: the HTML standard, "Server-sent events". An event's id is `<offset>@<epoch>`, which is what comes back as
Last-Event-ID; publications without an offset have none, so that they never move a reader's place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.replies import PING, SEPARATOR
from bridge.protocol.realtime.said import MAX_SHARED, PUSH, Pub, Push, Subscribed, command, read_said, recovery

COMMENT = b":\n\n"

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
        return command(1, "connect", {"subs": {self._channel: recovery(self._since)}})

    def subscribe(self) -> str:
        """The second, where the first one's answer didn't have the channel."""
        return command(2, "subscribe", {"channel": self._channel, **recovery(self._since)})

    def encode(self, payload: bytes) -> bytes:
        """What the reader gets of what the session says, or of a publication."""
        return b"".join([self._line(line) for line in payload.split(SEPARATOR)])

    def _line(self, line: bytes) -> bytes:
        if line == PING:
            return COMMENT
        if line.startswith(PUSH):
            return self._push(line)
        said = read_said(line)
        if said.error is not None:
            self.refusal = (said.error.code, said.error.message)
        subscribed = said.subscribe or (said.connect and said.connect.subs.get(self._channel))
        return self._begin(subscribed) if subscribed else b""

    def _begin(self, place: Subscribed) -> bytes:
        self.live, self._epoch = True, place.epoch
        at = msgspec.json.encode({"offset": place.offset, "epoch": place.epoch})
        missed = b"".join([_publication(each, place.epoch) for each in place.publications])
        told = _event(b"gap", at, place=_id(place.offset, place.epoch)) if place.gap else b""
        return told + _event(b"subscribed", bytes(place.data), place=_id(place.offset, place.epoch)) + missed

    def _push(self, line: bytes) -> bytes:
        ends, wire = _pushed(line, self._channel, self._epoch)
        if ends:
            self.ended()
        return wire


@lru_cache(maxsize=MAX_SHARED)
def _pushed(line: bytes, channel: str, epoch: str) -> tuple[bool, bytes]:
    """Whether a push ends the stream, and what it is for every reader of the channel: publications are made once."""
    push = read_said(line).push or Push()
    if push.disconnect is not None:
        return False, _event(b"disconnect", msgspec.json.encode(push.disconnect))
    if push.channel != channel:
        return False, b"" if push.message is None else _event(b"notice", bytes(push.message["data"]))
    if push.unsubscribe is not None:
        return True, _event(b"unsubscribe", msgspec.json.encode(push.unsubscribe))
    return False, b"" if push.pub is None else _publication(push.pub, epoch)


def _publication(publication: Pub, epoch: str) -> bytes:
    place = b"" if publication.offset is None else _id(publication.offset, epoch)
    return _event(b"", bytes(publication.data), place=place)


def _id(offset: int, epoch: str) -> bytes:
    return b"%d@%s" % (offset, epoch.encode())


def status_of(code: int) -> int:
    """The HTTP status of a refusal."""
    return STATUS.get(code, 503)


def _nobody() -> None:
    """Nobody to tell yet."""


def _event(kind: bytes, data: bytes, *, place: bytes = b"") -> bytes:
    """`data` is one line."""
    lines = [b"event: " + kind] if kind else []
    if place:
        lines.append(b"id: " + place)
    return b"\n".join([*lines, b"data: " + data, b"", b""])
