"""What a session says, read back: for the ways out that put it in another form (event_stream, plain)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge.protocol.realtime.recovery import Since

MAX_OFFSET_DIGITS = 18

PUSH = b'{"push"'
"""How a push begins, as bridge.protocol.realtime.replies writes it."""

MAX_SHARED = 16
"""Publications that such a way out keeps in its own form, made once for all who get them in the same turn or so."""


class Pub(msgspec.Struct):
    """A publication."""

    data: msgspec.Raw
    offset: int | None = None


class Subscribed(msgspec.Struct):
    """How a subscription begins. `gap`: the client named a place, and what lies behind it is not delivered."""

    epoch: str
    offset: int
    was_recovering: bool = False
    recovered: bool = False
    publications: list[Pub] = []
    data: msgspec.Raw = msgspec.Raw(b"{}")

    @property
    def gap(self) -> bool:
        """Whether something may be missing before this."""
        return self.was_recovering and not self.recovered


class Connected(msgspec.Struct):
    """The reply to connect, as far as it matters here."""

    subs: dict[str, Subscribed] = {}


class Refusal(msgspec.Struct):
    """An error reply."""

    code: int
    message: str
    temporary: bool = False


class Push(msgspec.Struct):
    """What the server says by itself."""

    channel: str = ""
    pub: Pub | None = None
    subscribe: Subscribed | None = None
    unsubscribe: dict[str, Any] | None = None
    disconnect: dict[str, Any] | None = None
    message: dict[str, msgspec.Raw] | None = None


class Said(msgspec.Struct):
    """One line."""

    connect: Connected | None = None
    subscribe: Subscribed | None = None
    error: Refusal | None = None
    push: Push | None = None


read_said = msgspec.json.Decoder(Said).decode


def parse_place(text: str) -> Since:
    """The place that `<offset>@<epoch>` names; without `@<epoch>` in any epoch. Raises ValueError."""
    offset, _, epoch = text.partition("@")
    if not (text.isascii() and offset.isdecimal() and len(offset) <= MAX_OFFSET_DIGITS):
        raise ValueError("a place is <offset> or <offset>@<epoch>, as in an event's id")
    return Since(int(offset), epoch)


def recovery(since: Since | None) -> dict[str, Any]:
    """What a command says of the place from which a channel is to go on."""
    return {} if since is None else {"recover": True, "offset": since.offset, "epoch": since.epoch}


def command(number: int, method: str, body: Mapping[str, Any]) -> str:
    """A command, as a client would send it."""
    return msgspec.json.encode({"id": number, method: body}).decode()
