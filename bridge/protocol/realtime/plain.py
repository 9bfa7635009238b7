"""A session as the plain socket has it: one JSON message a frame, for a client that speaks no protocol, read only.

A message is a `WebSocketMessage` (DESIGN §7). Its `meta` has two keys more: `channel`, and `place`, where it moves the
client's. What the server has to say by itself comes in the same shape, with `data.type` SYSTEM.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.codes import DisconnectCode
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.replies import PING, SEPARATOR
from bridge.protocol.realtime.said import (
    MAX_SHARED,
    PUSH,
    Pub,
    Push,
    Subscribed,
    command,
    parse_place,
    read_said,
    recovery,
)

Message: TypeAlias = dict[str, Any]
"""What JSON makes of it is a `WebSocketMessage`; its parts may be JSON already."""

Framing: TypeAlias = Callable[[Message], bytes]
"""Makes the wire form of a message."""

_read_message = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def parse_places(texts: Iterable[str]) -> dict[str, Since]:
    """Places as `meta.place` has them, in each text one or several with commas between. Raises ValueError."""
    places = {}
    for text in ",".join(texts).split(","):
        channel, slash, place = text.partition("/")
        if text and not slash:
            raise ValueError("since is one meta.place, or several with commas between")
        if text:
            places[channel] = parse_place(place)
    return places


class PlainStream:
    """One client, from behind the places that `since` names; in its other channels from now on.

    `framing` makes wire form of messages, the same function for all clients of a kind; `ping` is that of a ping.
    `refusal` is why it isn't let in, and how that is said: also where `since` names more than `most` places, or none.
    """

    def __init__(self, since: Iterable[str], framing: Framing, *, ping: bytes, most: int) -> None:
        self.refusal: DisconnectCode | None = None
        self._places: dict[str, Since] = {}
        try:
            self._places = parse_places(since)
        except ValueError as error:
            self.refusal = replace(codes.BAD_FRAME, reason=str(error))
        if len(self._places) > most:
            self.refusal = replace(codes.BAD_FRAME, reason=f"since names more than {most} places")
        self._framing = framing
        self._ping = ping
        self._epochs: dict[str, str] = {}

    def connect(self) -> str:
        """The only command: all channels are the server's to subscribe to."""
        return command(1, "connect", {"subs": {channel: recovery(since) for channel, since in self._places.items()}})

    def encode(self, payload: bytes) -> bytes:
        """What the client gets of what the session says, or of a publication."""
        return b"".join([self._line(line) for line in payload.split(SEPARATOR)])

    def _line(self, line: bytes) -> bytes:
        if line == PING:
            return self._ping
        if line.startswith(PUSH):
            return self._push(line)
        said = read_said(line)
        if said.error is not None:
            self.refusal = codes.SERVER_ERROR if said.error.temporary else codes.INVALID_TOKEN
        begun = {} if said.connect is None else said.connect.subs
        return b"".join([self._begin(channel, subscribed) for channel, subscribed in begun.items()])

    def _push(self, line: bytes) -> bytes:
        push = _read_push(line)
        if push.pub is not None:
            return _published(line, self._epochs.get(push.channel, ""), self._framing)
        if push.subscribe is not None:
            return self._begin(push.channel, push.subscribe)
        if push.unsubscribe is not None:
            return self._framing(_system("UNSUBSCRIBED", push.unsubscribe, channel=push.channel))
        if push.message is not None:
            return self._framing(_system("NOTICE", push.message["data"]))
        return b""  # a close code says the rest

    def _begin(self, channel: str, begun: Subscribed) -> bytes:
        self._epochs[channel] = begun.epoch
        place = _place(channel, begun.offset, begun.epoch)
        messages = [_system("SUBSCRIBED", begun.data, channel=channel, place=place)]
        if begun.gap:
            messages.insert(0, _system("GAP", {}, channel=channel, place=place))
        messages += [_message(channel, each, begun.epoch) for each in begun.publications]
        return b"".join([self._framing(message) for message in messages])


def _read_push(line: bytes) -> Push:
    return read_said(line).push or Push()


@lru_cache(maxsize=MAX_SHARED)
def _published(line: bytes, epoch: str, framing: Framing) -> bytes:
    """Made once for all clients of a kind."""
    push = _read_push(line)
    return b"" if push.pub is None else framing(_message(push.channel, push.pub, epoch))


def _message(channel: str, publication: Pub, epoch: str) -> Message:
    message: Message = _read_message(publication.data)
    meta: Message = _read_message(message.get("meta", b"{}"))
    place = {} if publication.offset is None else {"place": _place(channel, publication.offset, epoch)}
    return {**message, "meta": {**meta, "channel": channel, **place}}


def _system(event: str, payload: object, **meta: str) -> Message:
    return {"event": event, "data": {"type": "SYSTEM", "payload": payload}, "encrypted": False, "meta": meta}


def _place(channel: str, offset: int, epoch: str) -> str:
    return f"{channel}/{offset}@{epoch}"
