"""The WebSocket door at /connection/websocket: everything that is about sockets, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
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
from bridge.gateway.connection import Connection
from bridge.gateway.identity import named
from bridge.gateway.listener import BACKLOG, Listener
from bridge.gateway.outlet import Outlet, Socket, Turn
from bridge.gateway.plain_socket import PLAIN_PATH, carry, channels_of, plain_stream
from bridge.gateway.settings import GatewaySettings
from bridge.gateway.shared import Rooms
from bridge.gateway.websocket import DEFLATE, WebSocket, converse
from bridge.log import get_logger
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.plain import PlainStream
from bridge.protocol.realtime.protobuf import SUBPROTOCOL
from bridge.protocol.realtime.session import Session

log = get_logger(__name__)

PATH = "/connection/websocket"
MAX_FRAMES_WAITING = 4
HANDSHAKES_S = 0.5  # for those under way when the daemon stops
FOREIGN = "this page's origin is not one of gateway.origins"


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
        self._rooms = rooms
        self._ssl = ssl
        self._client_id = client_id
        self._own_origins: frozenset[str] = frozenset()
        self.reconfigure(settings)
        self._connections: dict[Connection, None] = {}
        self._per_address = Counter[str]()
        self._server: Server | None = None
        self._listener: Listener | None = None
        self._turn: Turn | None = None

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        if self._listener is None:
            raise RuntimeError("the gateway is not started")
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def held(self) -> tuple[int, int]:
        """All clients' subscriptions, and the bytes that wait for them."""
        each = [connection.held() for connection in self._connections]
        return sum(joined for joined, _ in each), sum(waiting for _, waiting in each)

    def allow(self, origins: Sequence[str]) -> None:
        """Pages of these origins may connect, too: our own."""
        self._own_origins = frozenset(origins)
        self._origins |= self._own_origins

    def reconfigure(self, settings: GatewaySettings) -> None:
        """Go by these from now on. Sessions that have begun keep their limits, and what `start` used stays as it is."""
        self.settings, self.limits = settings, settings.session_limits()
        self._paths = (PATH, PLAIN_PATH) if settings.plain_socket else (PATH,)
        self._origins = self._own_origins.union(settings.origins)
        self._trusted_proxies = [ip_network(network) for network in settings.trusted_proxies]
        self._rooms.hub.max_joining_bytes = settings.max_pending_bytes
        self._rooms.presence.max_clients = settings.presence_max_clients
        self._rooms.clients.max_per_user = settings.max_connections_per_user

    async def start(self, held: socket.socket | None = None) -> None:
        """Listen, or take over the port that is `held` for us. Raises AddressUnusable."""
        settings = self.settings
        self._turn = Turn(asyncio.get_running_loop())
        try:
            self._listener = Listener(settings.host, settings.port, max_silent=settings.max_handshakes, held=held)
            self._server = await serve(
                self._handle,
                sock=self._listener,
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
        if self._listener is not None:
            await self._listener.turn_away(within_s=HANDSHAKES_S)
        await self._stop(over_s=self.settings.drain_timeout_s)

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
            async with asyncio.timeout(self.settings.close_timeout_s + 1):
                await self._server.wait_closed()

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] not in self._paths:
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
        if len(self._connections) >= self.settings.max_connections:
            return HTTPStatus.SERVICE_UNAVAILABLE, "too many connections"
        if self._per_address[address] >= self.settings.max_connections_per_address:
            return HTTPStatus.TOO_MANY_REQUESTS, "too many connections from this address"
        return None

    def outlet(self, socket: Socket) -> Outlet:
        """The way out to a client."""
        if self._turn is None:
            raise RuntimeError("the gateway is not started")
        return Outlet(socket, self._turn, max_pending_bytes=self.settings.max_pending_bytes)

    def token(self, headers: Headers, query: str, *, by_query: bool = False) -> str:
        """What the handshake brings, "" if nothing. `by_query`: it may stand there, whatever the settings say."""
        cookie, by_query = self.settings.cookie, by_query or self.settings.query_token
        return offered(headers, query, origins=self._origins, cookie=cookie, query_token=by_query)

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
        if request is None or not isinstance(socket, WebSocket) or self._listener is None:
            raise RuntimeError("a connection that `serve` didn't make, or without a handshake")
        self._listener.speaks(socket.transport)
        plain = plain_stream(socket, request.path, self.settings)
        connection, address = self._connect(socket, request, plain), self._address(socket, request)
        socket.forget_handshake()
        try:
            with self.inside(connection, address):
                await (converse(socket, connection) if plain is None else carry(socket, plain, connection))
        except ConnectionClosed:
            pass  # it broke, or the peer broke the rules: either way it is over
        finally:
            if socket.protocol.state is State.OPEN:  # something of ours broke
                socket.hang_up(codes.SERVER_ERROR)

    def _connect(self, socket: WebSocket, request: Request, plain: PlainStream | None) -> Connection:
        outlet = self.outlet(socket)
        outlet.encode = outlet.encode if plain is None else plain.encode
        socket.attach(outlet)
        session = Session(self._client_id(), self.limits, now_ms=self._rooms.steady_ms())
        token = self.token(request.headers.get_all, request.path.partition("?")[2], by_query=plain is not None)
        joins = named if plain is None else channels_of
        connection = Connection(session, self._rooms, outlet, hang_up=socket.hang_up, offered=token, joins=joins)
        flooded = partial(connection.disconnect, codes.TOO_MANY_COMMANDS)  # a command is at most a frame
        socket.meter(self.limits.commands(self._rooms.steady_ms()), self._rooms.steady_ms, flooded=flooded)
        return connection


def _subprotocol(socket: ServerConnection, named: Sequence[Subprotocol]) -> Subprotocol | None:
    """Protobuf, who asks for it; a browser that names its token there wants to hear the word before it again."""
    plain = socket.request is not None and socket.request.path.startswith(PLAIN_PATH)
    known = (BEARER,) if plain else (SUBPROTOCOL, BEARER)
    return next((Subprotocol(word) for word in known if word in named), None)
