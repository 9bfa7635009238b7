"""How commands end: codes, one readable line, and no traceback unless it is a crash."""

from __future__ import annotations

import asyncio
import errno
import os
import signal

import pytest

from bridge.commands import exits
from bridge.errors import (
    AddressUnusable,
    BridgeError,
    ConfigInvalid,
    ConfigProblem,
    DatabaseHeld,
    HeldForNow,
    LeasesLost,
    Unavailable,
)
from topics import errors as topics_errors

INVALID = ConfigInvalid([ConfigProblem("config.toml", "http.port", "'x'", "should be a number")])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (exits.CommandFailed("no", code=exits.REFUSED), 3),
        (INVALID, 2),
        (AddressUnusable("h", 1, "taken"), 2),
        (DatabaseHeld("it is taken", hint="stop the other one"), 2),
        (HeldForNow("the number is taken", hint="wait"), 1),
        (LeasesLost("others went on", hint="start it again"), 1),  # systemd does: only after 2 it doesn't
        (OSError(errno.EADDRINUSE, "address in use"), 2),
        (Unavailable("database", "locked"), 4),
        (topics_errors.Unavailable("mirror", "refused"), 4),
        (topics_errors.Rejected("topic", "INVALID_SIGNATURE"), 1),
        (BridgeError("x"), 1),
        (KeyError("x"), None),
        (ExceptionGroup("tasks", [KeyError("x"), ExceptionGroup("inner", [INVALID])]), 2),
    ],
)
def test_each_error_has_its_exit_code(error: BaseException, code: int | None) -> None:
    assert exits.exit_code(error) == code


def test_an_error_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        exits.end(exits.CommandFailed("the door is shut", code=4, hint="knock"))
    assert ended.value.code == 4
    assert capsys.readouterr().err == "error: the door is shut\nhint: knock\n"


def test_all_configuration_problems_are_listed() -> None:
    two = ConfigInvalid([*INVALID.problems, ConfigProblem("environment PORT", "http.port", "''", "is empty")])
    text = exits.describe(two)
    assert "config.toml: http.port = 'x': should be a number" in text
    assert "environment PORT: http.port = '': is empty" in text


def test_a_crash_keeps_its_traceback() -> None:
    with pytest.raises(KeyError):
        exits.end(KeyError("x"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_a_good_end_and_lets_work_clean_up(number: int) -> None:
    done: list[str] = []

    async def work() -> None:
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            done.append("clean")

    exits.until_stopped(work())
    assert done == ["clean"]


def test_what_goes_wrong_inside_comes_out() -> None:
    async def work() -> None:
        raise exits.CommandFailed("no")

    with pytest.raises(exits.CommandFailed):
        exits.until_stopped(work())


def test_a_cancellation_that_nobody_asked_for_is_not_hidden() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        exits.until_stopped(work())
