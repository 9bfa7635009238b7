"""The way out to one client: what it gets in one turn of the loop goes out in one write, and never waits unbounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol


class Socket(Protocol):
    """What carries bytes to one client. `encode` makes of one JSON payload what goes over the wire."""

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        """Makes the wire form of a payload; the same function for every client of a kind."""

    def write(self, wire: bytes) -> None:
        """Take bytes without waiting; dropped where the connection is closing."""

    def queued_bytes(self) -> int:
        """What was written and the kernel hasn't taken yet."""

    async def drained(self) -> None:
        """Return when the kernel has taken nearly all of it, or the connection is gone."""


class Turn:
    """Flushes every outlet that was written to, once, at the end of the loop's turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._dirty: list[Outlet] = []

    def add(self, outlet: Outlet) -> None:
        """Flush `outlet` when this turn ends."""
        if not self._dirty:
            self._loop.call_soon(self._flush)
        self._dirty.append(outlet)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for outlet in dirty:
            outlet.flush()


class Outlet:
    """At most `max_pending_bytes` wait here and in the socket together; beyond that `cut` is called, once.

    What is over the limit is dropped: the client is gone from then on. `cut` is set by whoever uses the outlet.
    """

    __slots__ = ("_closed", "_max_pending_bytes", "_size", "_socket", "_turn", "_waiting", "cut", "encode")

    def __init__(self, socket: Socket, turn: Turn, *, max_pending_bytes: int) -> None:
        self.cut: Callable[[], None] = _nothing
        self.encode = socket.encode
        self._socket = socket
        self._turn = turn
        self._max_pending_bytes = max_pending_bytes
        self._waiting: list[bytes] = []
        self._size = 0
        self._closed = False

    def write(self, wire: bytes) -> None:
        """Bytes in wire form; they go out at the end of the turn."""
        if self._closed:
            return
        if not self._waiting:
            self._turn.add(self)
        self._waiting.append(wire)
        self._size += len(wire)
        if self._size > self._max_pending_bytes:  # a long turn: find out now whether the client keeps up
            self.flush()

    def flush(self) -> None:
        """Give the socket what waits."""
        if self._closed or not self._waiting:
            return
        wire = self._waiting[0] if len(self._waiting) == 1 else b"".join(self._waiting)
        self._waiting.clear()
        self._size = 0
        queued = self._socket.queued_bytes()
        if queued and queued + len(wire) > self._max_pending_bytes:
            self._closed = True
            self.cut()
        else:
            self._socket.write(wire)

    async def drained(self) -> None:
        """Return when the client has taken nearly all that it was sent, or is gone."""
        self.flush()
        await self._socket.drained()

    def close(self) -> None:
        """Send what waits, and nothing after it."""
        self.flush()
        self._closed = True


def _nothing() -> None:
    """Nobody to tell yet."""
