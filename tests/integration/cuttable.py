"""A TCP relay that tests cut as a network does: at once, without a word, and nobody gets through until it is mended."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Cuttable:
    """Relays connections to `port`. Use as an async context manager."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._broken = False
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        """Where to connect instead."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Break everything that is open, and keep new ones out."""
        self._broken = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let them through again."""
        self._broken = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broken:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        both = {writer, far_writer}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, far_writer))
                group.create_task(_pump(far_reader, writer))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
