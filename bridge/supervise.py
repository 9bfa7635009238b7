"""Runs all loops of the daemon in one TaskGroup: until a signal, or until one of them falls and all fall with it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

Loop = Callable[[], Awaitable[None]]


class LoopEnded(Exception):
    """A loop came back by itself, though only cancellation ends one."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the loop {name!r} ended by itself")


@asynccontextmanager
async def supervised(loops: Mapping[str, Loop]) -> AsyncIterator[None]:
    """Run every loop beside the block, and cancel them when it is left.

    What one of them raises cancels the others and the block, and comes out as an ExceptionGroup: nothing here goes on
    half alive. What the block itself raises comes out as it is.
    """
    own: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_endless(name, loop), name=name) for name, loop in loops.items()]
            try:
                yield
            except BaseException as error:
                own = error
                raise
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as fallen:
        if own is not None and fallen.exceptions == (own,):
            raise own from None
        raise


async def stop_signal() -> None:
    """Wait for SIGTERM or SIGINT. A second one, during the drain, ends the process at once."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def once() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, once)
    try:
        await stop.wait()
    finally:
        with suppress(RuntimeError):
            once()


async def _endless(name: str, loop: Loop) -> None:
    await loop()
    raise LoopEnded(name)
