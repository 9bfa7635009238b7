"""Writes what a client gets: replies and pushes as JSON bytes (Centrifugo client protocol, version 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from bridge.protocol.realtime.codes import DisconnectCode, ErrorCode, UnsubscribeCode
from bridge.protocol.realtime.recovery import Publication
from bridge.protocol.values import JSON

PING = b"{}"
SEPARATOR = b"\n"

_encode = msgspec.json.encode


def reply(number: int, method: str, result: Mapping[str, object]) -> bytes:
    """The successful reply to command `number`."""
    return _encode({"id": number, method: result})


def error_reply(number: int, error: ErrorCode) -> bytes:
    """The reply that refuses command `number`."""
    body: dict[str, JSON] = {"code": error.code, "message": error.message}
    if error.temporary:
        body["temporary"] = True
    return _encode({"id": number, "error": body})


def publications(rows: Iterable[Publication]) -> list[dict[str, object]]:
    """Publications as they stand in the reply to subscribe and history; their data is passed on as it is."""
    return [{"data": msgspec.Raw(row.data), "offset": row.offset} for row in rows]


def publication_push(channel: str, data: bytes, *, offset: int | None) -> bytes:
    """A whole push frame. Without an offset the key is absent: a 0 would reset the position that a client holds."""
    place = b"" if offset is None else b',"offset":%d' % offset
    return b'{"push":{"channel":' + _encode(channel) + b',"pub":{"data":' + data + place + b"}}}"


def subscribe_push(channel: str, result: Mapping[str, object]) -> bytes:
    """Tells a client that the server subscribed it; `result` as in the reply to a subscribe command."""
    return _push(channel, "subscribe", result)


def unsubscribe_push(channel: str, code: UnsubscribeCode) -> bytes:
    """Tells a client that a subscription of its ended."""
    return _push(channel, "unsubscribe", {"code": code.code, "reason": code.reason})


def client_info(client: str, user: str) -> dict[str, JSON]:
    """Who a client is, for the others of a channel."""
    return {"client": client, "user": user}


def join_push(channel: str, client: str, user: str) -> bytes:
    """Tells a client that another one has subscribed."""
    return _push(channel, "join", {"info": client_info(client, user)})


def leave_push(channel: str, client: str, user: str) -> bytes:
    """Tells a client that another one is no longer subscribed."""
    return _push(channel, "leave", {"info": client_info(client, user)})


def message_push(data: bytes) -> bytes:
    """A message for one client, in no channel; `data` is one line of JSON."""
    return _encode({"push": {"message": {"data": msgspec.Raw(data)}}})


def disconnect_push(code: DisconnectCode) -> bytes:
    """Ends a connection over a transport that has no close codes."""
    return _encode({"push": {"disconnect": {"code": code.code, "reason": code.reason, "reconnect": code.reconnect}}})


def _push(channel: str, kind: str, content: Mapping[str, object]) -> bytes:
    return _encode({"push": {"channel": channel, kind: content}})
