"""The WebSocket door at /connection/websocket: everything that is about sockets, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from ipaddress import ip_network
from ssl import SSLContext

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from bridge.errors import AddressUnusable
from bridge.gateway.carriers import BEARER, Headers, client_address, offered
from bridge.gateway.connection import Connection, Rooms
from bridge.gateway.outlet import Outlet, Socket, Turn
from bridge.gateway.settings import GatewaySettings
from bridge.gateway.websocket import DEFLATE, WebSocket
from bridge.log import get_logger
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.codes import DisconnectCode
from bridge.protocol.realtime.session import Session

log = get_logger(__name__)

PATH = "/connection/websocket"
MAX_FRAMES_WAITING = 4
FOREIGN = "this page's origin is not one of gateway.origins"
BACKLOG = 4096  # the kernel's own limit is net.core.somaxconn; all may come back at once


class GatewayServer:
    """Listens, and holds one Connection for each client. `start`, then `run` until it is cancelled; `drain` before,
    to let clients go gently.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        rooms: Rooms,
        *,
        ssl: SSLContext | None = None,
        client_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._settings = settings
        self._limits = settings.session_limits()
        self._rooms = rooms
        self._ssl = ssl
        self._client_id = client_id
        self._origins = frozenset(settings.origins)
        self._trusted_proxies = [ip_network(network) for network in settings.trusted_proxies]
        self._connections: dict[Connection, None] = {}
        self._per_address = Counter[str]()
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

    def allow(self, origins: Sequence[str]) -> None:
        """Pages of these origins may connect, too: our own."""
        self._origins |= frozenset(origins)

    async def start(self) -> None:
        """Listen. Raises AddressUnusable."""
        settings = self._settings
        self._turn = Turn(asyncio.get_running_loop())
        try:
            self._server = await serve(
                self._handle,
                settings.host,
                settings.port,
                ssl=self._ssl,
                ssl_handshake_timeout=None if self._ssl is None else settings.authenticate_timeout_s,
                select_subprotocol=_subprotocol,
                compression=None,
                extensions=[DEFLATE] if settings.compression else None,
                create_connection=WebSocket,
                backlog=BACKLOG,
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
        loop, leaving = asyncio.get_running_loop(), list(self._connections)
        began_s = loop.time()
        for number, connection in enumerate(leaving):
            if (early_s := began_s + over_s * number / len(leaving) - loop.time()) > 0:
                await asyncio.sleep(early_s)
            connection.disconnect(codes.SHUTDOWN)
        for connection in tuple(self._connections):  # whose handshake ended meanwhile
            connection.disconnect(codes.SHUTDOWN)
        with contextlib.suppress(TimeoutError):  # somebody who never finishes the handshake is not waited for
            async with asyncio.timeout(self._settings.close_timeout_s + 1):
                await self._server.wait_closed()

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] != PATH:
            return socket.respond(HTTPStatus.NOT_FOUND, "not found\n")
        refusal = self.refusal(request.headers.get_all, self._address(socket, request))
        return None if refusal is None else socket.respond(refusal[0], f"{refusal[1]}\n")

    def _address(self, socket: ServerConnection, request: Request) -> str:
        peer = socket.remote_address or ("",)  # none where it is gone already
        return self.address(str(peer[0]), request.headers.get_all)

    # Whatever the transport (bridge.gateway.stream_routes has the others)

    def address(self, peer: str, headers: Headers) -> str:
        """Who counts as the client."""
        return client_address(peer, headers("X-Forwarded-For"), self._trusted_proxies)

    def admits(self, headers: Headers) -> bool:
        """Whether the page that asks may have us; who sends no Origin is no page."""
        return self._origins.issuperset(headers("Origin"))

    def refusal(self, headers: Headers, address: str) -> tuple[HTTPStatus, str] | None:
        """Why a client of this address can't come in now."""
        if not self.admits(headers):
            return HTTPStatus.FORBIDDEN, FOREIGN
        if len(self._connections) >= self._settings.max_connections:
            return HTTPStatus.SERVICE_UNAVAILABLE, "too many connections"
        if self._per_address[address] >= self._settings.max_connections_per_address:
            return HTTPStatus.TOO_MANY_REQUESTS, "too many connections from this address"
        return None

    def outlet(self, socket: Socket) -> Outlet:
        """The way out to a client."""
        if self._turn is None:
            raise RuntimeError("the gateway is not started")
        return Outlet(socket, self._turn, max_pending_bytes=self._settings.max_pending_bytes)

    def token(self, headers: Headers, query: str) -> str:
        """What the handshake brings, "" if nothing."""
        settings = self._settings
        return offered(headers, query, origins=self._origins, cookie=settings.cookie, query_token=settings.query_token)

    @contextlib.contextmanager
    def inside(self, connection: Connection, address: str) -> Iterator[None]:
        """It counts, and is drained, while the block lasts."""
        self._connections[connection] = None
        self._per_address[address] += 1
        try:
            yield
        finally:
            del self._connections[connection]
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]
            connection.lost()

    async def _handle(self, socket: ServerConnection) -> None:
        request = socket.request
        if request is None or not isinstance(socket, WebSocket):
            raise RuntimeError("a connection that `serve` didn't make, or without a handshake")
        connection, address = self._connect(socket, request), self._address(socket, request)
        socket.forget_handshake()
        try:
            with self.inside(connection, address):
                async for message in socket:
                    if isinstance(message, str):
                        await connection.receive(message)
                    else:
                        connection.disconnect(codes.BAD_FRAME)  # this protocol is text
        except ConnectionClosed:
            pass  # it broke, or the peer broke the rules: either way it is over
        finally:
            if socket.protocol.state is State.OPEN:  # something of ours broke
                self._hang_up(socket, codes.SERVER_ERROR)

    def _connect(self, socket: WebSocket, request: Request) -> Connection:
        outlet = self.outlet(socket)
        socket.attach(outlet)
        session = Session(self._client_id(), self._limits, now_ms=self._rooms.now_ms())
        token = self.token(request.headers.get_all, request.path.partition("?")[2])
        return Connection(session, self._rooms, outlet, hang_up=lambda code: self._hang_up(socket, code), offered=token)

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


def _subprotocol(_: ServerConnection, named: Sequence[Subprotocol]) -> Subprotocol | None:
    """A browser that names its token there wants to hear the word before it again."""
    return Subprotocol(BEARER) if BEARER in named else None
