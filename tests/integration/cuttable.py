"""A TCP relay that tests cut as a network does: at once, or so that nothing comes through and nobody is told.

Either way nobody gets through until it is mended.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from types import TracebackType
from typing import Self


class Cuttable:
    """Relays connections to `port`. Use as an async context manager."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._broken = False
        self._flowing = asyncio.Event()
        self._flowing.set()
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

    def stall(self) -> None:
        """Hold back what is said on either side, without a word."""
        self._flowing.clear()

    def mend(self) -> None:
        """Let them through again, with what was held back."""
        self._broken = False
        self._flowing.set()

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
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # nobody is there just now
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer))
                group.create_task(self._pump(far_reader, writer))
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        await self._flowing.wait()
        writer.transport.abort()


class CuttableElsewhere:
    """The same as a process of its own, which a busy test doesn't hold up. Use as an async context manager."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.port = 0
        self._process: asyncio.subprocess.Process

    def cut(self) -> None:
        """Break everything that is open, and keep new ones out."""
        self._say(b"cut\n")

    def stall(self) -> None:
        """Hold back what is said on either side, without a word."""
        self._say(b"stall\n")

    def mend(self) -> None:
        """Let them through again, with what was held back."""
        self._say(b"mend\n")

    def _say(self, word: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(word)

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        own = sys.executable, "-m", "tests.integration.cuttable", str(self._target)
        self._process = await asyncio.create_subprocess_exec(*own, stdin=pipe, stdout=pipe)
        assert self._process.stdout
        self.port = int(await self._process.stdout.readline())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()


async def _obey(target: int) -> None:
    """Do what stands on the input, until it ends."""
    words = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    async with Cuttable(target) as relay:
        sys.stdout.write(f"{relay.port}\n")
        sys.stdout.flush()
        does = {b"cut\n": relay.cut, b"stall\n": relay.stall, b"mend\n": relay.mend}
        async for word in words:
            does[word]()


if __name__ == "__main__":
    asyncio.run(_obey(int(sys.argv[1])))
