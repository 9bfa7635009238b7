"""A subscriber that comes back whenever its connection is cut, and notes each confirmed publication that it is given.

So little of it that a thousand fit beside a daemon; what public clients do at a cut is in test_python_client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
LIMIT = 1 << 22
AGAIN_S = 0.05, 0.5


def message_of(data: Any) -> str:
    """An event's message."""
    return str(data["data"]["payload"]["message"])


class Subscriber:
    """Follows one channel. `heard` is what `hear` makes of publications' data, in the order in which they came.

    `lost` is what it can't have.
    """

    def __init__(
        self, url: str, token: str, channel: str, random: Random, *, hear: Callable[[Any], str] = message_of
    ) -> None:
        self.channel = channel
        self.heard: list[str] = []
        self.lost: list[Any] = []
        self.recoveries = 0
        self.live = False
        self._url = urlsplit(url)
        self._token = token
        self._hear = hear
        self._random = random
        self._position: dict[str, Any] = {"offset": 0, "epoch": ""}
        self._writer: asyncio.StreamWriter | None = None
        self._away_s = 0.0

    def cut(self, away_s: float) -> None:
        """Break the connection as a network does, without a word, and stay away for so long."""
        self._away_s = away_s
        if self._writer is not None:
            self._writer.transport.abort()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._connected()
            self.live = False
            away_s, self._away_s = self._away_s, 0.0
            await asyncio.sleep(away_s or self._random.uniform(*AGAIN_S))

    async def _connected(self) -> None:
        reader, writer = await asyncio.open_connection(self._url.hostname, self._url.port, limit=LIMIT)
        self._writer = writer
        try:
            writer.write(HANDSHAKE % self._url.path.encode())
            status = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0]
            if b" 101 " not in status:
                return
            writer.write(text_frame({"id": 1, "connect": {"token": self._token}}))
            asked = {"channel": self.channel, "recover": True, **self._position}
            writer.write(text_frame({"id": 2, "subscribe": asked}))
            while (payload := await frame(reader)) is not None:
                for line in payload.splitlines():
                    if line == b"{}":
                        writer.write(text_frame({}))
                    else:
                        self._take(json.loads(line))
        finally:
            self._writer = None
            writer.transport.abort()

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
            case {"error": error}:
                self.lost.append(error)

    def _note(self, publication: dict[str, Any]) -> None:
        self._position["offset"] = publication["offset"]
        self.heard.append(self._hear(publication["data"]))


def text_frame(command: object) -> bytes:
    """As a client sends it (RFC 6455 §5.2), under a mask of zeros."""
    payload = json.dumps(command).encode()
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
    return b"\x81" + size + bytes(4) + payload


async def frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's payload; None where the server closes."""
    opcode, size = await reader.readexactly(2)
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    payload = await reader.readexactly(size)
    return payload if opcode == 0x81 else None


@contextlib.contextmanager
def subscribed(subscribers: list[Subscriber]) -> Iterator[None]:
    """All of them run beside the block."""
    tasks = [asyncio.create_task(each.run()) for each in subscribers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
