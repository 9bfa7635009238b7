"""A WebSocket as an outlet needs it, below the library's own `send()`.

That would frame, compress and check a publication for each client.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import lru_cache

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from bridge.gateway.outlet import Outlet

DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
"""Each message by itself (RFC 7692 §7.1.1): then one is compressed once for all, and a connection holds no state."""


def text_frame(payload: bytes) -> bytes:
    """An unmasked text frame, as a server sends it (RFC 6455 §5.2)."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


@lru_cache
def deflating(window_bits: int) -> Callable[[bytes], bytes]:
    """What makes compressed text frames (RFC 7692): one function for all clients who asked for such a window."""
    deflate = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=window_bits,  # not used: this one only writes
        local_max_window_bits=window_bits,
    )
    return lambda payload: Frame(Opcode.TEXT, payload).serialize(mask=False, extensions=[deflate])


class WebSocket(ServerConnection):
    """The library's connection, which tells its outlet of everything that ends or begins writing.

    `outlet` is attached when the handshake is over, before anything else is written.
    """

    outlet: Outlet | None = None

    def attach(self, outlet: Outlet) -> None:
        """Tell this outlet from now on."""
        self.outlet = outlet
        outlet.resume()

    def forget_handshake(self) -> None:
        """Keep nothing of its headers, which are a seventh of what a connection holds in memory."""
        if self.request is not None:
            self.request.headers.clear()  # the library's parser holds the request as well
        self.response = None

    # What an outlet needs (bridge.gateway.outlet.Socket)

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        """As was agreed with the client."""
        for extension in self.protocol.extensions:
            if isinstance(extension, PerMessageDeflate):
                return deflating(extension.local_max_window_bits)
        return text_frame

    @property
    def write(self) -> Callable[[bytes], None]:
        """Straight to the transport: nothing may follow a close frame, so the outlet ends with it."""
        return self.transport.write

    def queued_bytes(self) -> int:
        """0 while the kernel keeps up, to spare the question."""
        return self.transport.get_write_buffer_size() if self.paused else 0

    async def drained(self) -> None:
        """A connection that breaks meanwhile has nothing left to drain."""
        with contextlib.suppress(ConnectionClosed, OSError):
            await self.drain()

    # What the library and the transport tell

    def pause_writing(self) -> None:
        """The transport holds more than its limit; this may come from inside `write`."""
        super().pause_writing()
        if self.outlet is not None:
            self.outlet.pause()

    def resume_writing(self) -> None:
        """It has room again."""
        super().resume_writing()
        if self.outlet is not None:
            self.outlet.resume()

    def send_data(self) -> None:
        """The one place where the library writes, a close frame among others."""
        super().send_data()
        if self.outlet is not None and self.protocol.state is not State.OPEN:
            self.outlet.end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone."""
        super().connection_lost(exc)
        if self.outlet is not None:
            self.outlet.end()
            self.outlet = None
