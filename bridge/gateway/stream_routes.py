"""Clients without a WebSocket: server-sent events, and centrifuge-js's own fallback, a stream with commands by POST.

Both are sessions like any other (bridge.gateway.connection) and count among the gateway's connections.
"""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import msgspec
from aiohttp import web

from bridge.gateway.connection import Connection
from bridge.gateway.entrance import Entrance, headers_of, readable
from bridge.gateway.faults import Fault
from bridge.gateway.identity import Joins, named
from bridge.gateway.server import MAX_FRAMES_WAITING, GatewayServer
from bridge.gateway.shared import Rooms
from bridge.gateway.stream import Stream
from bridge.protocol.realtime import codes, protobuf
from bridge.protocol.realtime.commands import MalformedFrame
from bridge.protocol.realtime.event_stream import EventStream, status_of
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.replies import SEPARATOR
from bridge.protocol.realtime.said import parse_place
from bridge.protocol.realtime.session import Session

NEVER_MS = 10**12
"""Who reads events can't answer a ping; that it is gone shows when the connection breaks or is full."""

NO_BUFFERING = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The second is nginx's, which would hold the stream back."""


BINARY = "application/octet-stream"
"""The type by which centrifuge-js says that it speaks Protobuf."""


class _Posted(msgspec.Struct):
    """What centrifuge-js posts: commands for the stream that was told this session."""

    session: str
    data: str


@dataclass(slots=True)
class _Emulated:
    """A stream's way in. Its frames are taken one after the other."""

    connection: Connection
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class StreamRoutes:
    """The routes, among those of the HTTP door. `read` takes a request's body, in time."""

    def __init__(self, rooms: Rooms, gateway: GatewayServer, read: Callable[[web.Request], Awaitable[bytes]]) -> None:
        self._rooms = rooms
        self._gateway = gateway
        self._entrance = Entrance(gateway, rooms)
        self._read = read
        self._emulated: dict[str, _Emulated] = {}

    def add_to(self, application: web.Application) -> None:
        """Put them there."""
        for path, method, handler in (
            ("/v1/channels/{channel}/events", "GET", self._events),
            ("/connection/http_stream", "POST", self._http_stream),
            ("/emulation", "POST", self._emulation),
        ):
            self._entrance.add(application.router, method, path, handler)
        application.on_shutdown.append(self._drain)

    # Server-sent events

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The channel's publications, from behind Last-Event-ID, else ?since=, else from now on."""
        address, channel = self._admit(request), request.match_info["channel"]
        events = EventStream(channel, _place(request))
        stream = Stream(events.encode, close_timeout_s=self._gateway.settings.close_timeout_s)
        limits = replace(self._gateway.limits, pong_timeout_ms=NEVER_MS)
        session = Session(str(uuid.uuid4()), limits, now_ms=self._rooms.steady_ms())
        connection = self._connection(
            session, stream, request, joins=lambda claims: {channel}.intersection(claims.subs)
        )
        loop = asyncio.get_running_loop()
        events.ended = lambda: loop.call_soon(connection.disconnect, codes.CONNECTION_CLOSED)
        with self._gateway.inside(connection, address):
            await connection.receive(events.connect())
            if not (events.live or events.refusal or stream.code):
                await connection.receive(events.subscribe())
            if not events.live:
                raise _refused(events, stream)
            return await stream.carry(request, _streamed(request, "text/event-stream"))

    # centrifuge-js's fallback

    async def _http_stream(self, request: web.Request) -> web.StreamResponse:
        """Replies and pushes, one a line, or each a message of Protobuf, as the body is: the connect command. What else
        the client says is posted.
        """
        address = self._admit(request)
        frame = await self._frame(request)
        content_type, encode = ("application/json", _line) if isinstance(frame, str) else (BINARY, protobuf.encode)
        stream = Stream(encode, close_timeout_s=self._gateway.settings.close_timeout_s)
        secret = secrets.token_urlsafe(24)  # not the client's id, which others of a channel are told
        session = Session(str(uuid.uuid4()), self._gateway.limits, now_ms=self._rooms.steady_ms(), secret=secret)
        connection = self._connection(session, stream, request)
        emulated = self._emulated[secret] = _Emulated(connection)
        with self._gateway.inside(connection, address):
            try:
                await connection.receive(frame)
                return await stream.carry(request, _streamed(request, content_type))
            finally:
                del self._emulated[secret]
                connection.disconnect(codes.CONNECTION_CLOSED)
                async with emulated.turn:  # what was posted is done before all is left
                    pass

    async def _emulation(self, request: web.Request) -> web.Response:
        """Commands for a stream; answered when they are done. The secret is all that is asked for."""
        session, commands = _posted(await self._frame(request))
        emulated = self._emulated.get(session)
        if emulated is None:
            raise Fault(404, "not_found", "no stream has this session")
        if emulated.waiting >= MAX_FRAMES_WAITING:
            raise Fault(429, "too_many_requests", "this stream has as many frames waiting as it may")
        emulated.waiting += 1
        try:
            async with emulated.turn:
                await emulated.connection.receive(commands)
        finally:
            emulated.waiting -= 1
        return web.Response(status=204)

    # What they share

    def _admit(self, request: web.Request) -> str:
        """The address that a stream will count for."""
        address = self._gateway.address(request.remote or "", headers_of(request))
        if (refusal := self._gateway.refusal(headers_of(request), address)) is not None:
            status, message = refusal
            raise Fault(status, status.phrase.lower().replace(" ", "_"), message)
        return address

    def _connection(
        self, session: Session, stream: Stream, request: web.Request, *, joins: Joins = named
    ) -> Connection:
        token = self._gateway.token(headers_of(request), request.query_string)
        outlet = self._gateway.outlet(stream)
        return Connection(session, self._rooms, outlet, hang_up=stream.hang_up, offered=token, joins=joins)

    async def _frame(self, request: web.Request) -> str | bytes:
        """The body: text is JSON, bytes are Protobuf."""
        most = self._gateway.settings.max_frame_bytes
        try:
            body = await self._read(request.clone(client_max_size=most))
            return body if request.content_type == BINARY else body.decode(errors="replace")
        except web.HTTPRequestEntityTooLarge as error:
            text = f"a frame has at most {most} bytes (gateway.max_frame_bytes)"
            raise Fault(413, "too_large", text) from error

    async def _drain(self, _: web.Application) -> None:
        """Streams are among the gateway's connections, and leave with the sockets, in one spread."""
        await self._gateway.drain()


def _place(request: web.Request) -> Since | None:
    text = request.headers.get("Last-Event-ID") or request.query.get("since")
    try:
        return None if text is None else parse_place(text)
    except ValueError as error:
        raise Fault(400, "bad_place", str(error)) from error


def _posted(frame: str | bytes) -> tuple[str, str | bytes]:
    """Whose commands, and which."""
    try:
        if isinstance(frame, bytes):
            return protobuf.decode_posted(frame)
        posted = msgspec.json.decode(frame, type=_Posted)
    except (msgspec.DecodeError, RecursionError, MalformedFrame) as error:  # a deep document ends in a RecursionError
        raise Fault(400, "bad_request", 'this takes {"session": "…", "data": "…"}') from error
    return posted.session, posted.data


def _refused(events: EventStream, stream: Stream) -> Fault:
    """Why there are no events, as HTTP says it."""
    code, message = events.refusal or ((stream.code.code, stream.code.reason) if stream.code else (0, "unavailable"))
    status = status_of(code)
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return Fault(status, message.replace(" ", "_"), message, headers=headers)


def _streamed(request: web.Request, content_type: str) -> web.StreamResponse:
    headers = {"Content-Type": content_type, **NO_BUFFERING, **readable(request)}
    return web.StreamResponse(headers=headers)


def _line(payload: bytes) -> bytes:
    return payload + SEPARATOR
