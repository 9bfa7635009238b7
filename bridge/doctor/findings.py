"""What a check finds, and how checks run: side by side, each with a time of its own, none able to fall over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import BridgeError, ConfigInvalid
from topics.errors import TopicsError

MAX_CRASH_CHARS = 200
MEND = "mend what is named here, and run this again"


class Status(StrEnum):
    """What became of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what was looked at, how it is, what was found, and, unless all is well, what to do."""

    name: str
    status: Status
    found: str
    hint: str = ""

    def __post_init__(self) -> None:
        if self.status is not Status.OK and not self.hint:
            raise ValueError(f"{self.name}: {self.found}: and what to do?")


def ok(name: str, found: str) -> Finding:
    """All is well."""
    return Finding(name, Status.OK, found)


def warning(name: str, found: str, hint: str) -> Finding:
    """It runs, and somebody should look."""
    return Finding(name, Status.WARNING, found, hint)


def failed(name: str, found: str, hint: str) -> Finding:
    """The bridge can't do its work, or not all of it."""
    return Finding(name, Status.FAILED, found, hint)


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at. `name` stands for its findings where it comes to none."""

    name: str
    run: Callable[[], Awaitable[Sequence[Finding]]]


async def examine(checks: Sequence[Check], *, timeout_s: float) -> list[Finding]:
    """The findings of all, in the order of the checks, after `timeout_s` at most."""
    found = await asyncio.gather(*(_one(check, timeout_s) for check in checks))
    return [finding for findings in found for finding in findings]


async def _one(check: Check, timeout_s: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(timeout_s):
            return await check.run()
    except TimeoutError:
        return [failed(check.name, f"no end within {timeout_s:g} s", "try again; doctor.timeout_s gives it longer")]
    except (BridgeError, TopicsError, OSError) as error:
        return [failed(check.name, text_of(error), getattr(error, "hint", "") or MEND)]
    except Exception as crash:  # noqa: BLE001 # one check's mistake must not hide what the others found
        text = f"the check itself broke: {type(crash).__name__}: {crash}"
        return [failed(check.name, text[:MAX_CRASH_CHARS], "this is a mistake in hcs-bridge: please report it")]


def text_of(error: BaseException) -> str:
    """An error in one line."""
    if isinstance(error, ConfigInvalid):
        return "; ".join(f"{problem.key} = {problem.value} {problem.rule}" for problem in error.problems)
    return " ".join(str(error).split()) or type(error).__name__
