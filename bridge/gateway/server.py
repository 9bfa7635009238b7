"""The WebSocket door at /connection/websocket: everything that is about sockets, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Origin

from bridge.errors import AddressUnusable
from bridge.gateway.connection import Connection, Rooms
from bridge.gateway.outlet import Outlet, Turn
from bridge.gateway.settings import GatewaySettings
from bridge.log import get_logger
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.codes import DisconnectCode
from bridge.protocol.realtime.session import Session

log = get_logger(__name__)

PATH = "/connection/websocket"
MAX_FRAMES_WAITING = 4
DRAIN_STEP_S = 0.05


def text_frame(payload: bytes) -> bytes:
    """An unmasked text frame, as a server sends it (RFC 6455 §5.2)."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


class WebSocket:
    """What an outlet needs of a connection. It goes below `send()`, which would frame a publication for each client."""

    __slots__ = ("_socket",)

    encode = staticmethod(text_frame)

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    def write(self, wire: bytes) -> None:
        """Nothing may follow a close frame."""
        if self._socket.protocol.state is State.OPEN:
            self._socket.transport.write(wire)

    def queued_bytes(self) -> int:
        """0 while the kernel keeps up, to spare the question."""
        return self._socket.transport.get_write_buffer_size() if self._socket.paused else 0

    async def drained(self) -> None:
        """A connection that breaks meanwhile has nothing left to drain."""
        with contextlib.suppress(ConnectionClosed, OSError):
            await self._socket.drain()


class GatewayServer:
    """Listens, and holds one Connection for each client. `start`, then `run` until it is cancelled; `drain` before,
    to let clients go gently.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        rooms: Rooms,
        *,
        client_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._settings = settings
        self._limits = settings.session_limits()
        self._rooms = rooms
        self._client_id = client_id
        self._connections: dict[Connection, None] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._server: Server | None = None
        self._turn: Turn | None = None

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        if self._server is None:
            raise RuntimeError("the gateway is not started")
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self) -> None:
        """Listen. Raises AddressUnusable."""
        settings = self._settings
        self._turn = Turn(asyncio.get_running_loop())
        try:
            self._server = await serve(
                self._handle,
                settings.host,
                settings.port,
                origins=[*(Origin(origin) for origin in settings.origins), None],  # None: not a browser
                compression=None,
                process_request=self._admit,
                server_header=None,
                open_timeout=settings.authenticate_timeout_s,
                ping_interval=None,
                close_timeout=settings.close_timeout_s,
                max_size=settings.max_frame_bytes,
                max_queue=MAX_FRAMES_WAITING,
            )
        except OSError as error:
            raise AddressUnusable(settings.host, settings.port, error.strerror or str(error)) from error

    async def run(self) -> None:
        """Serve until cancelled; whoever is still connected then is told to come back."""
        if self._server is None:
            await self.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self._stop(over_s=0)

    async def drain(self) -> None:
        """Accept nobody more, and spread the disconnects, so that all don't come back at once."""
        await self._stop(over_s=self._settings.drain_timeout_s)

    async def _stop(self, *, over_s: float) -> None:
        if self._server is None:
            return
        self._server.close(close_connections=False)
        leaving = list(self._connections)
        step = max(1, round(len(leaving) * DRAIN_STEP_S / over_s)) if over_s else len(leaving)
        for begin in range(0, len(leaving), max(1, step)):
            for connection in leaving[begin : begin + step]:
                connection.disconnect(codes.SHUTDOWN)
            await asyncio.sleep(DRAIN_STEP_S if over_s else 0)
        with contextlib.suppress(TimeoutError):  # somebody who never finishes the handshake is not waited for
            async with asyncio.timeout(self._settings.close_timeout_s + 1):
                await self._server.wait_closed()

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] != PATH:
            return socket.respond(HTTPStatus.NOT_FOUND, "not found\n")
        if len(self._connections) >= self._settings.max_connections:
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections\n")
        return None

    async def _handle(self, socket: ServerConnection) -> None:
        connection = self._connect(socket)
        self._connections[connection] = None
        try:
            async for message in socket:
                if isinstance(message, str):
                    await connection.receive(message)
                else:
                    connection.disconnect(codes.BAD_FRAME)  # this protocol is text
        except ConnectionClosed:
            pass  # it broke, or the peer broke the rules: either way it is over
        finally:
            del self._connections[connection]
            connection.lost()
            if socket.protocol.state is State.OPEN:  # something of ours broke
                self._hang_up(socket, codes.SERVER_ERROR)

    def _connect(self, socket: ServerConnection) -> Connection:
        if self._turn is None:
            raise RuntimeError("the gateway is not started")
        outlet = Outlet(WebSocket(socket), self._turn, max_pending_bytes=self._settings.max_pending_bytes)
        session = Session(self._client_id(), self._limits, now_ms=self._rooms.now_ms())
        return Connection(session, self._rooms, outlet, hang_up=lambda code: self._hang_up(socket, code))

    def _hang_up(self, socket: ServerConnection, code: DisconnectCode) -> None:
        task = asyncio.create_task(self._close(socket, code))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close(self, socket: ServerConnection, code: DisconnectCode) -> None:
        try:
            async with asyncio.timeout(self._settings.close_timeout_s):  # close() waits for a frozen peer for ever
                await socket.close(code.code, code.reason)
        except TimeoutError:
            socket.transport.abort()
