"""The plain socket at /ws, for a client that speaks no protocol: what is about sockets, and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import parse_qs

import msgspec

from bridge.gateway.connection import Connection
from bridge.gateway.settings import GatewaySettings
from bridge.gateway.tokens.claims import Claims
from bridge.gateway.websocket import PING_FRAME, WebSocket
from bridge.protocol.channels import is_id
from bridge.protocol.realtime import cbc
from bridge.protocol.realtime.plain import Framing, Message, PlainStream

PLAIN_PATH = "/ws"

_encode = msgspec.json.encode


def channels_of(claims: Claims) -> Iterable[str]:
    """What a client is subscribed to: its user's channel, and all that its token names."""
    campaigns = (f"campaign:{ref}" for ref in sorted(claims.campaigns) if is_id(ref))
    return dict.fromkeys([f"user:{claims.user}", *claims.subs, *campaigns])


@lru_cache
def framing(encode: Callable[[bytes], bytes], key: bytes) -> Framing:
    """What makes frames of messages: one function for all clients of a kind. An empty `key`: not encrypted."""

    def framed(message: Message) -> bytes:
        return encode(_encode(_encrypted(message, key) if key else message))

    return framed


def plain_stream(socket: WebSocket, target: str, settings: GatewaySettings) -> PlainStream | None:
    """What the client gets that asks for `target`, path and query; None where that isn't the plain socket."""
    path, _, query = target.partition("?")
    if path != PLAIN_PATH:
        return None
    since = parse_qs(query).get("since", [])
    most = settings.max_channels_per_connection
    return PlainStream(since, framing(socket.encode, settings.plain_socket_key), ping=PING_FRAME, most=most)


async def carry(socket: WebSocket, plain: PlainStream, connection: Connection) -> None:
    """Until it ends. What the client sends is taken within its limits, and counts for nothing."""
    socket.ponged = connection.alive
    if plain.refusal is None:
        await connection.receive(plain.connect())
    if plain.refusal is not None:
        connection.disconnect(plain.refusal)
    async for _ in socket:
        pass


def _encrypted(message: Message, key: bytes) -> Message:
    data = cbc.encrypt(_encode(message["data"]), key, iv=secrets.token_bytes(cbc.IV_BYTES))
    return {**message, "data": data, "encrypted": True}
