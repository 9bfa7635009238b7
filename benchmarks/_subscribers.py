"""Many WebSocket clients in a process of their own, so cheap that they don't hold up what they measure.

What comes is counted, or kept with its time, and not taken apart before the end; the gateway's ping is answered.
`python -m benchmarks._subscribers`, orders on standard input: first whom to call and what to say; then how many bytes
to wait for, or for how many seconds to listen. With `times` it is told when each frame of these bytes came.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks._children import obey
from bridge.demo.account import CONFIRMED

AT_A_TIME = 100
PATIENCE_S = 60.0
PING = b"\x81\x02{}"
PONG = b"\x81\x82\x00\x00\x00\x00{}"  # masked with zeros
HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def masked(text: str) -> bytes:
    """A text frame as a client sends it (RFC 6455 §5.2), under a mask of zeros."""
    payload = text.encode()
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
    return b"\x81" + size + b"\x00\x00\x00\x00" + payload


class Tally:
    """How many bytes came to all of them since the last look, and a wish to be told of so many."""

    def __init__(self) -> None:
        self.count = 0
        self.heard: dict[Client, list[tuple[int, bytes]]] | None = None
        """What came to whom, and when (nanoseconds of the monotonic clock); None: that isn't kept."""
        self._wanted = 0
        self._enough = asyncio.Event()

    def add(self, count: int) -> None:
        """So many more came."""
        self.count += count
        if self.count >= self._wanted:
            self._enough.set()

    async def reach(self, wanted: int) -> int:
        """Wait for so many bytes since the last time, and begin again; what came if patience ran out."""
        self._wanted = wanted
        self._enough.clear()
        self.add(0)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._enough.wait()
        except TimeoutError:
            pass
        found, self.count = self.count, 0
        return found


def frames(pieces: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The payload of each frame of one client, with the time at which its last byte came."""
    rest = b""
    for at_ns, piece in pieces:
        rest += piece
        while len(rest) >= 2:
            head, size = 2, rest[1]
            if size >= 126:
                head = 4 if size == 126 else 10
                size = int.from_bytes(rest[2:head])
            if len(rest) < head + size:
                break
            yield at_ns, rest[head : head + size]
            rest = rest[head + size :]


class Client(asyncio.BufferedProtocol):
    """Shakes hands, says its piece, is `ready` once `until` came back, and counts from then on."""

    buffer = bytearray(1 << 20)

    def __init__(self, tally: Tally, *, path: str, hello: str, until: str) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tally = tally
        self._path = path.encode()
        self._hello = hello
        self._until = until.encode()
        self._begun = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(HANDSHAKE % self._path)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if not self.ready.done():
            self._begin(bytes(self.buffer[:nbytes]))
        elif nbytes == len(PING) and self.buffer.startswith(PING):
            self._transport.write(PONG)
        else:
            self._tally.add(nbytes)
            if self._tally.heard is not None:
                kept = self._tally.heard.setdefault(self, [])
                kept.append((time.monotonic_ns(), bytes(self.buffer[:nbytes])))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionResetError(f"hung up after {self._begun!r}"))

    def _begin(self, data: bytes) -> None:
        if b"\r\n\r\n" not in self._begun and b"\r\n\r\n" in self._begun + data and self._hello:
            self._transport.write(masked(self._hello))
        self._begun += data
        if b"\r\n\r\n" in self._begun and self._until in self._begun:
            self.ready.set_result(None)
            self._begun = b""


async def connect(orders: dict[str, Any], tally: Tally) -> dict[str, Any]:
    """Let all in, some at a time."""
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(AT_A_TIME)

    async def one(hello: str) -> None:
        async with gate:
            path, until = orders["path"], orders["until"]
            _, client = await loop.create_connection(
                lambda: Client(tally, path=path, hello=hello, until=until), "127.0.0.1", orders["port"]
            )
            await client.ready

    began = loop.time()
    await asyncio.gather(*map(one, orders["hellos"]))
    tally.count = 0
    return {"connected": len(orders["hellos"]), "seconds": loop.time() - began}


async def listen(order: dict[str, Any], tally: Tally) -> dict[str, Any]:
    """Keep what comes for so many seconds: by event and phase when each client had it, and the consensus time."""
    tally.heard = {}
    await asyncio.sleep(order["listen_s"])
    kept, tally.heard = tally.heard, None
    heard: dict[str, dict[str, list[int]]] = {}
    consensus: dict[str, str] = {}
    for pieces in kept.values():
        for at_ns, payload in frames(pieces):
            for line in payload.split(b"\n"):
                publication = json.loads(line).get("push", {}).get("pub")
                if publication is not None:
                    meta = publication["data"]["meta"]
                    heard.setdefault(meta["id"], {}).setdefault(meta["phase"], []).append(at_ns)
                    if meta["phase"] == CONFIRMED:
                        consensus[meta["id"]] = meta["consensusTimestamp"]
    return {"heard": heard, "consensus": consensus}


async def main() -> None:
    """Until standard input ends."""
    tally = Tally()

    async def work(order: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any]
        if "port" in order:
            return await connect(order, tally)
        if "listen_s" in order:
            return await listen(order, tally)
        if order.get("times"):
            tally.heard = {}
            return {}
        told = {"bytes": await tally.reach(order["bytes"])}
        if tally.heard is not None:
            kept, tally.heard = tally.heard, None
            told["times_ns"] = [[at_ns for at_ns, _ in frames(pieces)] for pieces in kept.values()]
        return told

    await obey(work)
    os._exit(0)  # thousands of sockets needn't be closed one by one


if __name__ == "__main__":
    asyncio.run(main())
