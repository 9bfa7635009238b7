"""An HTTP response that goes on: what an outlet writes to where a client has no WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from bridge.gateway.site import CONNECTION
from bridge.protocol.realtime.codes import DisconnectCode
from bridge.protocol.realtime.replies import disconnect_push


class Stream:
    """A response that goes on until it is ended: what an outlet writes to (bridge.gateway.outlet.Socket)."""

    def __init__(self, encode: Callable[[bytes], bytes], *, close_timeout_s: float) -> None:
        self.encode = encode
        self.code: DisconnectCode | None = None
        self._close_timeout_s = close_timeout_s
        self._waiting: list[bytes] = []
        self._size = 0
        self._over = False
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._transport: asyncio.Transport | None = None

    def write(self, wire: bytes) -> None:
        """Take bytes; they go out when the client has taken those before."""
        self._waiting.append(wire)
        self._size += len(wire)
        self._wake.set()
        if self._transport is not None:
            self._idle.clear()

    def queued_bytes(self) -> int:
        """Here and in the transport."""
        return self._size + (0 if self._transport is None else self._transport.get_write_buffer_size())

    async def drained(self) -> None:
        """Nothing is waited for before the response has begun."""
        await self._idle.wait()

    def hang_up(self, code: DisconnectCode) -> None:
        """Say why, and end it; who doesn't read that in time is cut off."""
        self.code = code
        self._over = True
        self.write(self.encode(disconnect_push(code)))
        self._limit_farewell()

    def _limit_farewell(self) -> None:
        if self._over and self._transport is not None:
            asyncio.get_running_loop().call_later(self._close_timeout_s, self._transport.abort)

    def _leave(self) -> None:
        """The client is gone, which no write would tell before the next one."""
        self._over = True
        self._wake.set()

    async def carry(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Be the answer to `request` until it is ended, or the client is gone."""
        response.force_close()
        if (connection := request.get(CONNECTION)) is not None:
            connection.at_close.append(self._leave)
        try:
            await response.prepare(request)
            self._transport = request.transport
            self._limit_farewell()
            if self._waiting:
                self._idle.clear()
            while self._waiting or not self._over:
                await self._wake.wait()
                self._wake.clear()
                wire = b"".join(self._waiting)
                self._waiting.clear()
                self._size = 0
                if wire:
                    await response.write(wire)
                if not self._waiting:
                    self._idle.set()
            await response.write_eof()
        except ConnectionError:
            pass  # the client is gone
        finally:
            self._idle.set()
            self._transport = None
        return response
