"""Clients without a WebSocket: server-sent events, and centrifuge-js's own fallback, a stream with commands by POST.

Both are sessions like any other (bridge.gateway.connection) and count among the gateway's connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import msgspec
from aiohttp import web

from bridge.gateway.carriers import Headers
from bridge.gateway.connection import Connection, Rooms
from bridge.gateway.faults import Fault
from bridge.gateway.server import FOREIGN, MAX_FRAMES_WAITING, GatewayServer
from bridge.gateway.settings import GatewaySettings
from bridge.gateway.stream import Stream
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.event_stream import EventStream, parse_place, status_of
from bridge.protocol.realtime.recovery import Since
from bridge.protocol.realtime.replies import SEPARATOR
from bridge.protocol.realtime.session import Session

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

NEVER_MS = 10**12
"""Who reads events can't answer a ping; that it is gone shows when the connection breaks or is full."""

NO_BUFFERING = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The second is nginx's, which would hold the stream back."""


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

    def __init__(
        self,
        settings: GatewaySettings,
        rooms: Rooms,
        gateway: GatewayServer,
        read: Callable[[web.Request], Awaitable[bytes]],
    ) -> None:
        self._settings = settings
        self._rooms = rooms
        self._gateway = gateway
        self._read = read
        self._limits = settings.session_limits()
        self._emulated: dict[str, _Emulated] = {}
        self._connections: dict[Connection, None] = {}

    def add_to(self, application: web.Application) -> None:
        """Put them there."""
        for path, method, handler in (
            ("/v1/channels/{channel}/events", "GET", self._events),
            ("/connection/http_stream", "POST", self._http_stream),
            ("/emulation", "POST", self._emulation),
        ):
            application.router.add_route(method, path, self._shared(handler))
            application.router.add_options(path, self._shared(_preflight))
        application.on_shutdown.append(self._drain)

    # Server-sent events

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The channel's publications, from behind Last-Event-ID, else ?since=, else from now on."""
        address, channel = self._admit(request), request.match_info["channel"]
        events = EventStream(channel, _place(request))
        stream = Stream(events.encode, close_timeout_s=self._settings.close_timeout_s)
        limits = replace(self._limits, pong_timeout_ms=NEVER_MS)
        session = Session(str(uuid.uuid4()), limits, now_ms=self._rooms.now_ms())
        connection = self._connection(session, stream, request, only=channel)
        loop = asyncio.get_running_loop()
        events.ended = lambda: loop.call_soon(connection.disconnect, codes.CONNECTION_CLOSED)
        with self._inside(connection, address):
            await connection.receive(events.connect())
            if not (events.live or events.refusal or stream.code):
                await connection.receive(events.subscribe())
            if not events.live:
                raise _refused(events, stream)
            return await stream.carry(request, _streamed(request, "text/event-stream"))

    # centrifuge-js's fallback

    async def _http_stream(self, request: web.Request) -> web.StreamResponse:
        """Replies and pushes, one a line. The body is the connect command; what else the client says is posted."""
        address = self._admit(request)
        frame = await self._frame(request)
        stream = Stream(_line, close_timeout_s=self._settings.close_timeout_s)
        secret = secrets.token_urlsafe(24)  # not the client's id, which others of a channel are told
        session = Session(str(uuid.uuid4()), self._limits, now_ms=self._rooms.now_ms(), secret=secret)
        connection = self._connection(session, stream, request)
        emulated = self._emulated[secret] = _Emulated(connection)
        with self._inside(connection, address):
            try:
                await connection.receive(frame)
                return await stream.carry(request, _streamed(request, "application/json"))
            finally:
                del self._emulated[secret]
                connection.disconnect(codes.CONNECTION_CLOSED)
                async with emulated.turn:  # what was posted is done before all is left
                    pass

    async def _emulation(self, request: web.Request) -> web.Response:
        """Commands for a stream; answered when they are done. The secret is all that is asked for."""
        try:
            posted = msgspec.json.decode(await self._frame(request), type=_Posted)
        except msgspec.DecodeError as error:
            raise Fault(400, "bad_request", 'this takes {"session": "…", "data": "…"}') from error
        emulated = self._emulated.get(posted.session)
        if emulated is None:
            raise Fault(404, "not_found", "no stream has this session")
        if emulated.waiting >= MAX_FRAMES_WAITING:
            raise Fault(429, "too_many_requests", "this stream has as many frames waiting as it may")
        emulated.waiting += 1
        try:
            async with emulated.turn:
                await emulated.connection.receive(posted.data)
        finally:
            emulated.waiting -= 1
        return web.Response(status=204)

    # What they share

    def _admit(self, request: web.Request) -> str:
        """The address that a stream will count for."""
        address = self._gateway.address(request.remote or "", _headers(request))
        if (refusal := self._gateway.refusal(_headers(request), address)) is not None:
            status, message = refusal
            raise Fault(status, status.phrase.lower().replace(" ", "_"), message)
        return address

    def _connection(
        self, session: Session, stream: Stream, request: web.Request, *, only: str | None = None
    ) -> Connection:
        token = self._gateway.token(_headers(request), request.query_string)
        outlet = self._gateway.outlet(stream)
        return Connection(session, self._rooms, outlet, hang_up=stream.hang_up, offered=token, only=only)

    @contextlib.contextmanager
    def _inside(self, connection: Connection, address: str) -> Iterator[None]:
        self._connections[connection] = None
        try:
            with self._gateway.inside(connection, address):
                yield
        finally:
            del self._connections[connection]

    async def _frame(self, request: web.Request) -> str:
        body, most = await self._read(request), self._settings.max_frame_bytes
        if len(body) > most:
            raise Fault(413, "too_large", f"a frame has at most {most} bytes (gateway.max_frame_bytes)")
        return body.decode(errors="replace")

    def _shared(self, handler: Handler) -> Handler:
        """The same rules of origin for all, and answers that an allowed page may read."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if not self._gateway.admits(_headers(request)):
                raise Fault(403, "forbidden", FOREIGN)
            try:
                response = await handler(request)
            except Fault as fault:
                fault.headers = {**fault.headers, **_readable(request)}
                raise
            if not response.prepared:
                response.headers.update(_readable(request))
            return response

        return handle

    async def _drain(self, _: web.Application) -> None:
        """Send them all away, spread, so that they don't come back at once."""
        leaving = list(self._connections)
        for connection in leaving:
            connection.disconnect(codes.SHUTDOWN)
            await asyncio.sleep(self._settings.drain_timeout_s / len(leaving))


def _place(request: web.Request) -> Since | None:
    text = request.headers.get("Last-Event-ID") or request.query.get("since")
    try:
        return None if text is None else parse_place(text)
    except ValueError as error:
        raise Fault(400, "bad_place", str(error)) from error


def _refused(events: EventStream, stream: Stream) -> Fault:
    """Why there are no events, as HTTP says it."""
    code, message = events.refusal or ((stream.code.code, stream.code.reason) if stream.code else (0, "unavailable"))
    status = status_of(code)
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return Fault(status, message.replace(" ", "_"), message, headers=headers)


def _streamed(request: web.Request, content_type: str) -> web.StreamResponse:
    headers = {"Content-Type": content_type, **NO_BUFFERING, **_readable(request)}
    return web.StreamResponse(headers=headers)


def _readable(request: web.Request) -> dict[str, str]:
    """What lets the page that asks read the answer; its origin was checked."""
    origin = request.headers.get("Origin")
    if origin is None:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}


async def _preflight(_: web.Request) -> web.Response:
    allowed = {"Methods": "GET, POST", "Headers": "Authorization, Content-Type, Last-Event-ID", "Max-Age": "600"}
    return web.Response(status=204, headers={f"Access-Control-Allow-{name}": value for name, value in allowed.items()})


def _headers(request: web.Request) -> Headers:
    return lambda name: request.headers.getall(name, [])


def _line(payload: bytes) -> bytes:
    return payload + SEPARATOR
