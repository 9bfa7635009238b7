"""Checks run side by side, and neither one that hangs nor one that breaks takes the others' lines with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest

from bridge.doctor.findings import Check, Finding, Status, examine, failed, ok, warning
from bridge.errors import ConfigInvalid, ConfigProblem
from topics.errors import Rejected


async def fine() -> Sequence[Finding]:
    return [ok("one", "fine"), ok("two", "fine")]


async def hanging() -> Sequence[Finding]:
    await asyncio.Event().wait()
    return []


async def broken() -> Sequence[Finding]:
    raise KeyError("field")


async def test_what_hangs_and_what_breaks_is_a_failed_line() -> None:
    checks = [Check("h", hanging), Check("b", broken), Check("f", fine), Check("i", hanging)]
    started = time.monotonic()
    found = await examine(checks, timeout_s=0.2)
    assert time.monotonic() - started < 2
    assert [(each.name, each.status) for each in found] == [
        ("h", "failed"), ("b", "failed"), ("one", "ok"), ("two", "ok"), ("i", "failed"),
    ]  # fmt: skip
    assert "no end within 0.2 s" in found[0].found
    assert "KeyError" in found[1].found
    assert "report" in found[1].hint


@pytest.mark.parametrize("finding", [warning, failed])
def test_nothing_is_told_without_what_to_do(finding: Callable[[str, str, str], Finding]) -> None:
    with pytest.raises(ValueError, match="what to do"):
        finding("disk", "is full", "")


@pytest.mark.parametrize(
    ("error", "text", "hint"),
    [
        (Rejected("it", "INSUFFICIENT_PAYER_BALANCE"), "it was refused", "fund"),
        (ConfigInvalid([ConfigProblem("file", "a.b", "7", "is odd")]), "a.b = 7 is odd", "default-config"),
        (PermissionError(13, "no", "there"), "no: 'there'", "run this again"),
    ],
)
async def test_known_errors_keep_their_words(error: Exception, text: str, hint: str) -> None:
    async def refused() -> Sequence[Finding]:
        raise error

    [found] = await examine([Check("r", refused)], timeout_s=1)
    assert found.status is Status.FAILED
    assert text in found.found
    assert hint in found.hint
