"""A subscriber that comes back whenever its connection is cut, and notes each confirmed publication that it is given.

So little of it that a thousand fit beside a daemon; what public clients do at a cut is in test_python_client.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any
from urllib.parse import urlsplit

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
AGAIN_S = 0.05, 0.5


def message_of(data: Any) -> str:
    """An event's message."""
    return str(data["data"]["payload"]["message"])


class Subscriber:
    """Follows one channel. `heard` is what `hear` makes of publications' data, in the order in which they came.

    `lost` is what it can't have.
    """

    def __init__(
        self,
        url: str,
        token: str,
        channel: str,
        random: Random,
        *,
        hear: Callable[[Any], str] = message_of,
        others: Sequence[str] = (),
    ) -> None:
        self.channel = channel
        self.heard: list[str] = []
        self.lost: list[Any] = []
        self.recoveries = 0
        self.live = False
        self._urls = [urlsplit(each) for each in (url, *others)]  # of which it takes any, each time it comes
        self.url = self._urls[0]
        self._token = token
        self._hear = hear
        self._random = random
        self._position: dict[str, Any] = {"offset": 0, "epoch": ""}
        self._socket: asyncio.Transport | None = None
        self._away_s = 0.0

    def cut(self, away_s: float) -> None:
        """Break the connection as a network does, without a word, and stay away for so long."""
        self._away_s = away_s
        if self._socket is not None:
            self._socket.abort()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                await self._connected()
            self.live = False
            away_s, self._away_s = self._away_s, 0.0
            await asyncio.sleep(away_s or self._random.uniform(*AGAIN_S))

    async def _connected(self) -> None:
        asked = {"channel": self.channel, "recover": True, **self._position}
        hello = text_frame({"id": 1, "connect": {"token": self._token}}) + text_frame({"id": 2, "subscribe": asked})
        url = self.url = self._random.choice(self._urls)
        made = _Socket(url.path, hello, self._take)
        loop = asyncio.get_running_loop()
        self._socket, _ = await loop.create_connection(lambda: made, str(url.hostname), url.port or 80)
        try:
            await made.closed.wait()
        finally:
            self._socket.abort()
            self._socket = None

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"push": {"pub": {"offset": int()} as publication}}:
                self._note(publication)
            case {"subscribe": reply}:
                self.recoveries += self._position["offset"] > 0
                self._position["epoch"] = reply["epoch"]
                if not reply["recovered"]:
                    self.lost.append(reply)
                for publication in reply.get("publications", ()):
                    self._note(publication)
                self.live = True
            case {"error": {"temporary": True}} if self._socket is not None:
                self._socket.abort()
            case {"error": error}:
                self.lost.append(error)

    def _note(self, publication: dict[str, Any]) -> None:
        self._position["offset"] = publication["offset"]
        self.heard.append(self._hear(publication["data"]))


class _Socket(asyncio.Protocol):
    """Its frames' lines, each decoded, until `closed`. What a thousand are sent alike is decoded once."""

    def __init__(self, path: str, hello: bytes, take: Callable[[dict[str, Any]], None]) -> None:
        self.closed = asyncio.Event()
        self._path = path.encode()
        self._hello = hello
        self._take = take
        self._open = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(HANDSHAKE % self._path)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if not self._open:
            head, found, rest = self._rest.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._transport.abort()
                return
            self._open, self._rest = True, rest
            self._transport.write(self._hello)
        payloads, self._rest = frames(self._rest)
        for payload in payloads:
            if payload is None:
                self._transport.abort()
                return
            for line in payload.splitlines():
                if line == b"{}":
                    self._transport.write(text_frame({}))
                else:
                    self._take(decoded(line))


decoded = functools.lru_cache(maxsize=4096)(json.loads)


def frames(data: bytes) -> tuple[list[bytes | None], bytes]:
    """The payloads of the whole text frames a server sent (RFC 6455 §5.2), None for any other frame, and the rest."""
    payloads, at = list[bytes | None](), 0
    while len(data) >= at + 2:
        opcode, size, head = data[at], data[at + 1], at + 2
        if size >= 126:
            head += 2 if size == 126 else 8
            size = int.from_bytes(data[at + 2 : head])
        if len(data) < head + size:
            break
        payloads.append(data[head : head + size] if opcode == 0x81 else None)
        at = head + size
    return payloads, data[at:]


def text_frame(command: object) -> bytes:
    """As a client sends it (RFC 6455 §5.2), under a mask of zeros."""
    payload = json.dumps(command).encode()
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
    return b"\x81" + size + bytes(4) + payload


@contextlib.contextmanager
def subscribed(subscribers: list[Subscriber]) -> Iterator[None]:
    """All of them run beside the block."""
    tasks = [asyncio.create_task(each.run()) for each in subscribers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
