"""The way out to one client: what it gets in one turn of the loop goes out in one write, and never waits unbounded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

WRITE_BYTES = 65_536  # what waits longer goes out in pieces, so that no client makes a copy of all of it


class Socket(Protocol):
    """What carries bytes to one client. `encode` makes of one JSON payload what goes over the wire.

    One that learns when the kernel takes no more tells its outlet by `pause` and `resume`, and calls `resume` at the
    start: then a client that keeps up is never asked whether it does.
    """

    @property
    def encode(self) -> Callable[[bytes], bytes]:
        """Makes the wire form of a payload; the same function for every client of a kind."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes bytes without waiting, and drops them at a closing connection; may call `pause` before it returns."""

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
    While a socket is paused, what waits are the same bytes for all whom they are for: the slow share them.

    `send` takes what nothing else of this turn will be joined with. It is the socket's own `write` while nothing
    stands before it, so that there is nothing to ask; else it is `write`.
    """

    __slots__ = (
        "_closed",
        "_max_pending_bytes",
        "_paused",
        "_size",
        "_socket",
        "_turn",
        "_waiting",
        "cut",
        "encode",
        "send",
    )

    def __init__(self, socket: Socket, turn: Turn, *, max_pending_bytes: int) -> None:
        self.cut: Callable[[], None] = _nothing
        self.encode = socket.encode
        self.send: Callable[[bytes], None] = self.write
        self._socket = socket
        self._turn = turn
        self._max_pending_bytes = max_pending_bytes
        self._waiting: list[bytes] = []
        self._size = 0
        self._paused: bool | None = None  # None: the socket doesn't tell
        self._closed = False

    @property
    def waiting_bytes(self) -> int:
        """Here and in the socket."""
        return 0 if self._closed else self._size + self._socket.queued_bytes()

    def write(self, wire: bytes) -> None:
        """Bytes in wire form; they go out at the end of the turn."""
        if self._closed:
            return
        if not (self._waiting or self._paused):
            self._turn.add(self)
            self.send = self.write
        self._waiting.append(wire)
        self._size += len(wire)
        if self._paused or self._size > self._max_pending_bytes:  # a long turn: find out now whether it keeps up
            self.flush()

    def flush(self) -> None:
        """Give the socket what waits, as far as it takes it."""
        if self._closed or not self._waiting:
            return
        queued = self._socket.queued_bytes()
        if queued and queued + self._size > self._max_pending_bytes:
            self.end()
            self.cut()
            return
        while self._waiting and not self._paused:
            some = len(self._waiting) if self._size <= WRITE_BYTES else 1
            wire = b"".join(self._waiting[:some])
            del self._waiting[:some]
            self._size -= len(wire)
            self._socket.write(wire)
        if self._paused is False:
            self.send = self._socket.write

    def pause(self) -> None:
        """The socket's kernel takes no more: what comes waits here."""
        self._paused = True
        if not self._closed:
            self.send = self.write

    def resume(self) -> None:
        """It takes more, and will tell when it doesn't."""
        self._paused = False
        if not self._closed:
            self.send = self._socket.write
        self.flush()

    async def drained(self) -> None:
        """Return when the client has taken nearly all that it was sent, or is gone."""
        while True:
            self.flush()
            await self._socket.drained()
            if self._closed or not self._waiting:
                return

    def close(self) -> None:
        """Send what waits, however slow the client is, and nothing after it."""
        self._paused = None
        self.flush()
        self.end()

    def end(self) -> None:
        """The socket takes nothing more."""
        self._closed = True
        self.send = _drop
        self._waiting.clear()
        self._size = 0


def _drop(wire: bytes) -> None:
    """Nothing goes out any more."""


def _nothing() -> None:
    """Nobody to tell yet."""
