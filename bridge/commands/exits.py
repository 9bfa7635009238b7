"""How a command ends: its exit code, and the one readable line on stderr when something went wrong."""

from __future__ import annotations

import asyncio
import errno
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

from bridge import errors as bridge_errors
from topics import errors as topics_errors

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
UNREACHABLE: Final = 4

EXIT_CODES = (
    "Exit codes: 0 done; 1 failed; 2 configuration or usage; 3 some items were refused (publish); "
    "4 the daemon, a node or a mirror can't be reached."
)
ASYNC_STOPS = (signal.SIGINT, signal.SIGTERM)


class CommandFailed(bridge_errors.BridgeError):
    """The command can't do what was asked: what to say, what to do about it, and the exit code."""

    def __init__(self, text: str, *, code: int = FAILED, hint: str = "") -> None:
        self.code = code
        self.hint = hint
        super().__init__(text)


def exit_code(error: BaseException) -> int | None:
    """Which code an error ends the command with; None: it is a crash, whose traceback should be seen."""
    match innermost(error):
        case CommandFailed() as failed:
            return failed.code
        case bridge_errors.LeasesLost() | bridge_errors.HeldForNow():  # to be started again: it passes
            return FAILED
        case bridge_errors.ConfigInvalid() | bridge_errors.AddressUnusable() | bridge_errors.DatabaseHeld():
            return USAGE
        case bridge_errors.Unavailable() | topics_errors.Unavailable():
            return UNREACHABLE
        case bridge_errors.BridgeError() | topics_errors.TopicsError():
            return FAILED
        case OSError(errno=errno.EADDRINUSE | errno.EADDRNOTAVAIL | errno.EACCES):
            return USAGE
        case _:
            return None


def describe(error: BaseException) -> str:
    """What a person reads on stderr: `error: …`, and a second line with what to do where that is known."""
    inner = innermost(error)
    text = f"error: {inner}"
    if isinstance(inner, bridge_errors.ConfigInvalid):
        text = "error: the configuration can't be run\n" + "\n".join(f"  {problem}" for problem in inner.problems)
    hint = getattr(inner, "hint", "")
    if isinstance(inner, OSError) and inner.errno == errno.EADDRINUSE:
        hint = "another process listens there; choose another port, or stop it"
    return f"{text}\nhint: {hint}" if hint else text


def innermost(error: BaseException) -> BaseException:
    """Out of the groups that task groups put around: the first error that has a code of its own, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [innermost(inner) for inner in error.exceptions]
    return next((leaf for leaf in leaves if exit_code(leaf) is not None), leaves[0])


def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or is cancelled by Ctrl-C or SIGTERM, which is a good end."""
    asyncio.run(_until_stopped(work))


async def _until_stopped(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    for number in ASYNC_STOPS:
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
    finally:
        for number in ASYNC_STOPS:
            loop.remove_signal_handler(number)


def end(error: BaseException) -> None:
    """Say what went wrong and exit with its code. A crash goes on as it is, with its traceback and code 1."""
    code = exit_code(error)
    if code is None:
        raise error
    sys.stderr.write(describe(error) + "\n")
    raise SystemExit(code) from None
