"""Where the HTTP door listens, and how much room it has: requests under way, and connections that wait for one."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator
from ssl import SSLContext

from aiohttp import web
from aiohttp.http import HttpProcessingError

from bridge.errors import AddressUnusable
from bridge.gateway.faults import Fault
from bridge.gateway.listener import BACKLOG, Accepted, Listener
from bridge.gateway.settings import HttpSettings

SHUTDOWN_S = 5.0
CONNECTION = web.RequestKey("connection", Accepted)
"""What a request came by."""

_THEIRS = (HttpProcessingError, web.RequestPayloadError, ConnectionResetError)  # no HTTP, or gone before its end


class Site:
    """`start` once; whatever a request does is done inside `room`."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._listener: Listener | None = None
        self._runner: web.AppRunner | None = None
        self._under_way = 0

    @property
    def started(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    @property
    def port(self) -> int:
        """The port that it listens on, once started."""
        if self._listener is None:
            raise RuntimeError("the HTTP door is not started")
        port: int = self._listener.getsockname()[1]
        return port

    async def start(
        self, application: web.Application, ssl: SSLContext | None, held: socket.socket | None = None
    ) -> None:
        """Listen, or take over the port that is `held` for us. Raises AddressUnusable."""
        settings = self._settings
        try:
            most = settings.max_connections
            self._listener = Listener(settings.host, settings.port, max_silent=most, held=held)
        except OSError as error:
            raise AddressUnusable(settings.host, settings.port, error.strerror or str(error)) from error
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_log(),
            shutdown_timeout=SHUTDOWN_S,
            keepalive_timeout=settings.idle_timeout_s,  # also until the first request, and for a head that comes slowly
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener, ssl_context=ssl, backlog=BACKLOG).start()

    def reconfigure(self, settings: HttpSettings) -> None:
        """Have as much room as these say."""
        self._settings = settings
        if self._listener is not None:
            self._listener.max_silent = settings.max_connections

    async def stop(self) -> None:
        """Accept nothing more, and finish what is under way."""
        if self._runner is not None:
            await self._runner.cleanup()

    @contextlib.contextmanager
    def room(self, request: web.Request) -> Iterator[None]:
        """Its connection isn't idle while the block lasts, and is in the request. Raises Fault 503."""
        if self._under_way >= self._settings.max_connections:
            raise Fault(503, "busy", "too many connections", headers={"Retry-After": "1", "Connection": "close"})
        listener, transport = self._listener, request.transport
        connection = None if listener is None or transport is None else listener.speaks(transport)
        if connection is not None:
            request[CONNECTION] = connection
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if listener is not None and connection is not None:
                listener.rests(connection)


def _log() -> logging.Logger:
    """The library's, which tells of errors of ours; what strangers send is none, and may hold a token."""
    log = logging.getLogger("aiohttp.server")
    log.addFilter(_is_ours)
    return log


def _is_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], _THEIRS))
