"""A WebSocket as an outlet needs it, below the library's own `send()`.

That would frame, compress and check a publication for each client.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from bridge.gateway.connection import Connection
from bridge.gateway.outlet import Outlet
from bridge.protocol.realtime import codes, protobuf
from bridge.protocol.realtime.codes import DisconnectCode
from bridge.protocol.realtime.rate import TokenBucket

PIECE_BYTES = 4096  # of what has come in is parsed before it is looked whether that was too much

DEFLATE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)
"""Each message by itself (RFC 7692 §7.1.1): then one is compressed once for all, and a connection holds no state."""


def text_frame(payload: bytes, extensions: Sequence[Extension] = ()) -> bytes:
    """An unmasked text frame, as a server sends it (RFC 6455 §5.2)."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False, extensions=extensions)


def binary_frame(payload: bytes, extensions: Sequence[Extension] = ()) -> bytes:
    """The same in Protobuf."""
    return Frame(Opcode.BINARY, protobuf.encode(payload)).serialize(mask=False, extensions=extensions)


PING_FRAME = Frame(Opcode.PING, b"").serialize(mask=False)


@lru_cache
def deflating(window_bits: int, frame: Callable[..., bytes] = text_frame) -> Callable[[bytes], bytes]:
    """What makes compressed frames (RFC 7692): one function for all clients who asked for such a window."""
    deflate = PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=window_bits,  # not used: this one only writes
        local_max_window_bits=window_bits,
    )
    return partial(frame, extensions=[deflate])


class WebSocket(ServerConnection):
    """The library's connection, which tells its outlet of everything that ends or begins writing.

    `outlet` is attached when the handshake is over, before anything else is written. `ponged` is called at each pong.

    What comes in before it is metered, the handshake first of all, may have the bytes of one frame. When a client has
    sent too many frames nothing more of it is read: pings and empty fragments cost us far more than whoever sends them.
    """

    outlet: Outlet | None = None
    ponged: Callable[[], None] | None = None
    _meter: tuple[TokenBucket, Callable[[], int], Callable[[], None]] | None = None
    _closing: asyncio.Task[None] | None = None
    _unmetered_bytes = 0
    _flooded = False

    def attach(self, outlet: Outlet) -> None:
        """Tell this outlet from now on."""
        self.outlet = outlet
        outlet.resume()

    def hang_up(self, code: DisconnectCode) -> None:
        """Close it, and say why; whoever doesn't answer in time is cut off."""
        self._closing = asyncio.create_task(self._close(code))

    async def _close(self, code: DisconnectCode) -> None:
        try:
            async with asyncio.timeout(self.close_timeout):  # close() waits for a frozen peer for ever
                await self.close(code.code, code.reason)
        except TimeoutError:
            self.transport.abort()

    def forget_handshake(self) -> None:
        """Keep nothing of its headers, which are a seventh of what a connection holds in memory."""
        if self.request is not None:
            self.request.headers.clear()  # the library's parser holds the request as well
        self.response = None

    @property
    def binary(self) -> bool:
        """Whether Protobuf was agreed on; else it is JSON."""
        return self.subprotocol == protobuf.SUBPROTOCOL

    # What an outlet needs (bridge.gateway.outlet.Socket)

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        """As was agreed with the client."""
        frame = binary_frame if self.binary else text_frame
        for extension in self.protocol.extensions:
            if isinstance(extension, PerMessageDeflate):
                return deflating(extension.local_max_window_bits, frame)
        return frame

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

    def meter(self, frames: TokenBucket, now_ms: Callable[[], int], *, flooded: Callable[[], None]) -> None:
        """Take so many frames, of any kind, and call `flooded` once it is more."""
        self._meter = (frames, now_ms, flooded)

    # What the library and the transport tell

    def data_received(self, data: bytes) -> None:
        """In pieces, so that not all of a flood is parsed."""
        if self._meter is None:
            self._unmetered_bytes += len(data)
            if self._unmetered_bytes > (self.protocol.max_message_size or 0):
                self.transport.abort()
                return
        for start in range(0, len(data), PIECE_BYTES):
            if self._flooded:
                return
            super().data_received(data[start : start + PIECE_BYTES])

    def process_event(self, event: Event) -> None:
        """A frame has come in, or the request."""
        if self._meter is not None and not self._flooded:
            frames, now_ms, flooded = self._meter
            if frames.take(now_ms()) > 0:
                self._flooded = True
                flooded()
        if self._flooded:
            return
        super().process_event(event)
        if self.ponged is not None and isinstance(event, Frame) and event.opcode is Opcode.PONG:
            self.ponged()

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
            self.outlet = self.ponged = self._meter = None


async def converse(socket: WebSocket, connection: Connection) -> None:
    """Hand each frame on until it ends; one of the other kind than the client chose is none."""
    async for message in socket:
        if isinstance(message, bytes) is socket.binary:
            await connection.receive(message)
        else:
            connection.disconnect(codes.BAD_FRAME)
