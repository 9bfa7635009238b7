"""The child process that holds the Java SDK: started when first needed, started anew when it died."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import logging
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from topics.errors import Unavailable
from topics.ledger.jvm_wire import BrokenPipeTalk, Ready, Reply, Request, frame, replies

NAME = "the Java SDK's process"
MAX_IN_FLIGHT = 32
"""Further calls wait here."""

START_S = 60.0
"""Loading takes 2 to 4 s; on a machine that is busy, many times that."""

_GRACE_S = 5.0
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "PYTHONPATH", "LD_LIBRARY_PATH", "JAVA_TOOL_OPTIONS")
_LAST_LINES = 20
_LAST_WORDS = 1000

log = logging.getLogger(__name__)


def missing() -> str | None:
    """What must be installed before this can work; None if nothing."""
    if importlib.util.find_spec("hedera") is None or importlib.util.find_spec("jnius") is None:
        return "needs the package hedera-sdk-py: pip install 'hcs-bridge[jvm]'"
    home = java_home()
    if home is None or not Path(home).is_dir():
        return "needs Java 17 or newer, on the path or in JAVA_HOME (Debian: apt-get install default-jre-headless)"
    return None


def java_home() -> str | None:
    """Where Java is installed. Said to the child, whose library otherwise wants a compiler on the path."""
    if home := os.environ.get("JAVA_HOME"):
        return home
    java = shutil.which("java")
    return None if java is None else str(Path(java).resolve().parent.parent)


class JvmProcess:
    """At most one child at a time, and the requests on their way to it. Holds a process, so `close()` it."""

    def __init__(self, *, grace_s: float = _GRACE_S) -> None:
        self._grace_s = grace_s
        self._numbers = itertools.count(1)
        self._room = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._starting = asyncio.Lock()
        self._child: _Child | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The child's, while it lives."""
        return self._child.pid if self._child is not None and self._child.usable else None

    async def ask(self, make: Callable[[int], Request]) -> Reply:
        """Send the request that `make` builds around a number, and wait for its reply.

        Raises Unavailable if the child dies meanwhile, can't be started, or says nothing within the request's time.
        """
        async with self._room:
            child = await self._running()
            request = make(next(self._numbers))
            replied = child.send(request)
            try:
                async with asyncio.timeout(request.timeout_s + self._grace_s):
                    reply = await replied
            except TimeoutError as error:
                child.kill()  # the SDK keeps the request's time by itself; one that doesn't is stuck
                raise Unavailable(NAME, f"no reply within {request.timeout_s + self._grace_s:g} s") from error
            finally:
                child.forget(request)
        if reply is None:
            raise Unavailable(NAME, f"it ended: {child.last_words}")
        return reply

    async def close(self) -> None:
        """End the child; requests under way are Unavailable."""
        self._closed = True
        async with self._starting:
            if self._child is not None:
                await self._child.end(self._grace_s)

    async def _running(self) -> _Child:
        async with self._starting:
            if self._closed:
                raise Unavailable(NAME, "closed")
            if self._child is None or not self._child.usable:
                self._child = await self._begin()
            return self._child

    async def _begin(self) -> _Child:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        _, child = await asyncio.get_running_loop().subprocess_exec(
            _Child,
            sys.executable,
            "-P",  # whatever the working directory holds
            "-m",
            "topics.ledger.jvm_child",
            env=environment | {"JAVA_HOME": java_home() or ""},
            start_new_session=True,  # Ctrl-C is for the parent, who may still want receipts while it drains
        )
        try:
            either: set[asyncio.Future[Any]] = {child.ready, child.ended}
            await asyncio.wait(either, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            child.kill()
            await child.ended
            raise
        if not child.ready.done():
            child.kill()
            await child.ended
            raise Unavailable(NAME, f"it did not start: {child.last_words}")
        log.info("%s is ready: hedera-sdk-py %s, process %d", NAME, child.ready.result(), child.pid)
        return child


class _Child(asyncio.SubprocessProtocol):
    """One life of the process. A request that it can't answer any more gets None."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[str] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.last_words = ""
        self._noted: deque[str] = deque(maxlen=_LAST_LINES)
        self.usable = True
        self.pid = 0
        self._loop = loop
        self._frames = replies()
        self._waiting: dict[int, asyncio.Future[Reply | None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()

    def send(self, request: Request) -> asyncio.Future[Reply | None]:
        """The reply to come."""
        replied: asyncio.Future[Reply | None] = self._loop.create_future()
        if not self.usable:
            replied.set_result(None)
            return replied
        self._waiting[request.number] = replied
        self._stdin().write(frame(request))
        return replied

    def forget(self, request: Request) -> None:
        """Nobody waits for it any more."""
        self._waiting.pop(request.number, None)

    def kill(self) -> None:
        """End it now."""
        self.usable = False
        if not self.ended.done():
            self._transport.kill()

    async def end(self, patience_s: float) -> None:
        """Let it end by itself, or after `patience_s` in any case."""
        self._stdin().close()
        await asyncio.wait({self.ended}, timeout=patience_s)
        self.kill()
        await self.ended

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd != 1:
            self._note(data)
            return
        try:
            heard = self._frames.feed(data)
        except BrokenPipeTalk as error:
            self._noted.append(str(error))
            self.kill()
            return
        for reply in heard:
            if isinstance(reply, Ready):
                self.ready.set_result(reply.version)
            elif (replied := self._waiting.pop(reply.number, None)) is not None and not replied.done():
                replied.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        code = self._transport.get_returncode()
        self.last_words = " ".join([f"exit code {code}:", *self._noted])[:_LAST_WORDS]
        self._transport.close()
        self.usable = False
        self.ended.set_result(None)
        waiting, self._waiting = self._waiting, {}
        if waiting:
            log.warning("%s ended in the middle of %d calls: %s", NAME, len(waiting), self.last_words)
        for replied in waiting.values():
            if not replied.done():
                replied.set_result(None)

    def _note(self, data: bytes) -> None:
        for line in data.decode(errors="replace").splitlines():
            log.debug("%s: %s", NAME, line)
            if words := line.strip("#|+-= \t"):
                self._noted.append(words)

    def _stdin(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
