"""The HTTP door: takes campaigns and events in for the backend, tells what became of them, and serves the page."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from ssl import SSLContext

from aiohttp import web

from bridge.counts import count
from bridge.errors import BridgeError
from bridge.gateway.admin import AdminRoutes, Desk
from bridge.gateway.answers import answer, refusal
from bridge.gateway.backend import Backend
from bridge.gateway.backend_routes import BackendRoutes, Traced
from bridge.gateway.client_routes import ClientRoutes
from bridge.gateway.console_routes import Console, ConsoleRoutes
from bridge.gateway.door import Door
from bridge.gateway.entrance import Entrance
from bridge.gateway.faults import Fault, fault_for
from bridge.gateway.grants import Granting, GrantRoutes
from bridge.gateway.key_admin import KeyDesk, KeyRoutes
from bridge.gateway.openapi import document
from bridge.gateway.pages import Pages, page_headers
from bridge.gateway.proof import ProofRoutes, Proofs
from bridge.gateway.server import GatewayServer
from bridge.gateway.settings import HttpSettings
from bridge.gateway.shared import Rooms
from bridge.gateway.site import Site
from bridge.gateway.stream_routes import StreamRoutes
from bridge.protocol.door.strict_json import JsonInvalid, parse
from bridge.protocol.realtime.limits import SessionLimits
from bridge.protocol.realtime.rate import TokenBuckets
from bridge.protocol.values import JSON

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"  # Prometheus' text format
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What is behind the door beside the backend; a part that isn't there has no routes.

    `realtime`: what the gateway's connections work with, and what bounds one of them. `streams`: the
    gateway, for those who come to it by this door. `readiness` may raise Unavailable. `traced` is told of what was
    accepted.
    """

    pages: Pages | None = None
    desk: Desk | None = None
    realtime: tuple[Rooms, Callable[[], SessionLimits]] | None = None
    streams: tuple[Rooms, GatewayServer] | None = None
    readiness: Callable[[], Awaitable[JSON]] | None = None
    proofs: Proofs | None = None
    granting: Granting | None = None
    keys: KeyDesk | None = None
    console: Console | None = None
    traced: Traced | None = None
    metrics: Callable[[GatewayServer], Callable[[], Awaitable[bytes]]] | None = None


class ApiServer:
    """`start`, then `run` until it is cancelled."""

    def __init__(
        self,
        settings: HttpSettings,
        backend: Backend,
        *,
        now_ms: Callable[[], int],
        parts: Parts = Parts(),
        ssl: SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._backend = backend
        self._now_ms = now_ms
        self._door = Door(settings.api_keys, now_ms=now_ms)
        self._parts = parts
        self._ssl = ssl
        self._site = Site(settings)

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        return self._site.port

    @property
    def origins(self) -> tuple[str, ...]:
        """Its pages' origins, as a browser on this machine names them, once started."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        scheme = "http" if self._ssl is None else "https"
        return tuple(f"{scheme}://{name}:{self.port}" for name in (host, "localhost"))

    async def start(self, held: socket.socket | None = None) -> None:
        """Listen, or take over the port that is `held` for us. Raises AddressUnusable."""
        await self._site.start(self.application(), self._ssl, held)

    async def run(self) -> None:
        """Serve until cancelled; requests under way are finished."""
        if not self._site.started:
            await self.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.stop()

    def reconfigure(self, settings: HttpSettings) -> None:
        """Go by these from now on: keys, and how much there is room for. What `start` used stays as it is."""
        self._settings = settings
        self._door.reconfigure(settings.api_keys)
        self._site.reconfigure(settings)

    async def stop(self) -> None:
        """Accept nothing more, and finish what is under way."""
        await self._site.stop()

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(middlewares=[self._guard], client_max_size=self._settings.max_body_bytes)
        parts = self._parts
        BackendRoutes(self._door, self._backend, self._read_both, answer, parts.traced).add_to(application.router)
        if parts.desk is not None:
            AdminRoutes(self._door, parts.desk, self._backend, self._read, answer).add_to(application.router)
        if parts.keys is not None:
            KeyRoutes(self._door, parts.keys, self._read, answer).add_to(application.router)
        if parts.realtime is not None:
            rooms, limits = parts.realtime
            ClientRoutes(self._door, self._backend, rooms, limits, self._read_both, answer).add_to(application.router)
            if parts.console is not None:
                ConsoleRoutes(self._door, parts.console, rooms, answer).add_to(application.router)
        if parts.streams is not None:
            StreamRoutes(*parts.streams, self._body).add_to(application)
            self._add_for_readers(application.router, *parts.streams)
        application.router.add_get("/v1/openapi.json", self._openapi)
        application.router.add_get("/healthz", self._health)
        if parts.readiness is not None:
            application.router.add_get("/readyz", partial(_ready, parts.readiness))
        if parts.pages is not None:
            parts.pages.add_to(application.router)
        return application

    def _add_for_readers(self, router: web.UrlDispatcher, rooms: Rooms, gateway: GatewayServer) -> None:
        entrance, parts = Entrance(gateway, rooms), self._parts
        if parts.metrics is not None:
            router.add_get("/metrics", partial(self._metrics, parts.metrics(gateway)))
        if parts.proofs is not None:
            ProofRoutes(entrance, parts.proofs, lambda: gateway.settings.proof_max_messages, answer).add_to(router)
        if parts.granting is not None:
            keys, by = gateway.settings, rooms.authenticator
            rates = TokenBuckets(keys.key_requests_per_s, keys.key_requests_burst, most=keys.key_requests_max_users)
            GrantRoutes(self._door, entrance, parts.granting, by, self._read, answer, rates, self._now_ms).add_to(
                router
            )

    # What every door of it shares

    async def _openapi(self, _: web.Request) -> web.Response:
        return answer(document())

    async def _metrics(self, metrics: Callable[[], Awaitable[bytes]], request: web.Request) -> web.Response:
        self._door.admit(request.headers.getall("Authorization", []), "metrics:read")
        return web.Response(body=await metrics(), headers={"Content-Type": METRICS_TYPE, "Cache-Control": "no-store"})

    async def _read(self, request: web.Request) -> JSON:
        return _document(await self._body(request))

    async def _read_both(self, request: web.Request) -> tuple[bytes, JSON]:
        body = await self._body(request)
        return body, _document(body)

    async def _body(self, request: web.Request) -> bytes:
        if request.content.is_eof():  # came with the head: nothing to wait for, and no timer to set
            return await request.read()
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):  # who sends a byte a minute holds nothing up
                return await request.read()
        except TimeoutError as error:
            raise Fault(408, "timeout", "the body took too long", headers={"Connection": "close"}) from error

    async def _health(self, _: web.Request) -> web.Response:
        return answer({"status": "ok"})

    # Around every request

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every refusal leaves in the same shape, whoever refuses."""
        try:
            with self._site.room(request):
                response = await handler(request)
        except Fault as fault:
            return _refusal(fault)
        except BridgeError as error:
            return _refusal(fault_for(error))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            code = error.reason.lower().replace(" ", "_")
            kept = {name: value for name, value in error.headers.items() if name == "Allow"}
            return _refusal(Fault(error.status, code, error.reason, headers=kept))
        if request.path.startswith("/web/") and not response.prepared:
            response.headers.update(page_headers(request.path))
        return response


def _refusal(fault: Fault) -> web.Response:
    count("http refusals", str(fault.status))
    return refusal(fault)


async def _ready(readiness: Callable[[], Awaitable[JSON]], _: web.Request) -> web.Response:
    return answer(await readiness())


def _document(body: bytes) -> JSON:
    try:
        return parse(body)
    except JsonInvalid as error:
        raise Fault(400, "malformed_json", f"the body {error}") from error
