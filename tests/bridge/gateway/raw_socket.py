"""A socket for tests that keeps no rules: what is written goes out as it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from websockets.frames import Opcode

from bridge.gateway.server import PATH
from tests.bridge.gateway.gateway_fixture import until

DEADLINE_S = 10
LINGERING_S = 20  # aiohttp waits 10 s for the rest of a body, though the client is gone
HANDSHAKE = (
    f"GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
).encode()


class RawSocket:
    """One connection to a port of this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def over(self) -> bool:
        """Whether the other side has hung up."""
        return self._reader.at_eof()

    def send(self, data: bytes) -> None:
        """Without waiting."""
        self._writer.write(data)

    def stop_reading(self) -> None:
        """Let what comes fill the kernel's buffers."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    async def slowly(self, data: bytes, *, pause_s: float) -> None:
        """A byte at a time, until all is out or the other side has hung up."""
        for byte in data:
            if self.over or self._writer.is_closing():
                return
            self.send(bytes([byte]))
            await asyncio.sleep(pause_s)

    async def shake_hands(self, more: bytes = b"") -> None:
        """The WebSocket's opening; `more` are headers of one's own."""
        self.send(HANDSHAKE + more + b"\r\n")
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), DEADLINE_S)
        assert head.startswith(b"HTTP/1.1 101 "), head

    async def status(self) -> int:
        """Of the next answer over HTTP, whose body is left out."""
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), DEADLINE_S)).lower()
        await self._reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r")[0]))
        return int(head.split()[1])

    async def rest(self) -> bytes:
        """What comes until the other side hangs up."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self._reader.read(), DEADLINE_S)
        return b""

    async def closed(self) -> int:
        """The code of the close frame, the last that comes; 0: none came."""
        rest, code = await self.rest(), 0
        while len(rest) >= 2:  # frames of a server aren't masked
            size, head = rest[1], 2
            if size == 126:
                size, head = int.from_bytes(rest[2:4]), 4
            if rest[0] & 0x0F == Opcode.CLOSE:
                code = int.from_bytes(rest[head : head + 2])
            rest = rest[head + size :]
        return code


@contextlib.asynccontextmanager
async def raw(port: int) -> AsyncIterator[RawSocket]:
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), DEADLINE_S)
    try:
        yield RawSocket(reader, writer)
    finally:
        writer.transport.abort()


def masked(opcode: Opcode, data: bytes = b"", *, fin: bool = True, rsv1: bool = False) -> bytes:
    """A frame as a client sends it, or as none may."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + size.to_bytes(2) if size < 65_536 else b"\xff" + size.to_bytes(8)
    return bytes([fin << 7 | rsv1 << 6 | opcode]) + length + bytes(4) + data  # a mask of zeroes changes nothing


@contextlib.asynccontextmanager
async def nothing_left(*counts: Callable[[], int]) -> AsyncIterator[None]:
    """When the block is over, descriptors, tasks and `counts` go back to what they were."""
    watched: tuple[Callable[[], int], ...] = (_descriptors, lambda: len(asyncio.all_tasks()), *counts)
    before = [count() for count in watched]
    yield
    await until(lambda: all(count() <= was for count, was in zip(watched, before, strict=True)), deadline_s=LINGERING_S)


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
