"""Memos are measured in bytes."""

from __future__ import annotations

import pytest

from tests.topics.devnet.refusals import refusal
from topics.devnet.kinds import AUTO_RENEW_S, Outcome, check_memo


def test_memos() -> None:
    check_memo("")
    check_memo("x" * 100)
    check_memo("é" * 50)
    assert refusal(lambda: check_memo("x" * 101)) == "MEMO_TOO_LONG"
    assert refusal(lambda: check_memo("é" * 51)) == "MEMO_TOO_LONG"
    assert refusal(lambda: check_memo("\0")) == "INVALID_ZERO_BYTE_IN_STRING"


@pytest.mark.parametrize(("seconds", "allowed"), [(2_591_999, False), (2_592_000, True), (8_000_001, True)])
def test_renewal(seconds: int, allowed: bool) -> None:
    assert (seconds in AUTO_RENEW_S) == allowed


def test_outcomes_share_nothing() -> None:
    assert Outcome().transfers is not Outcome().transfers
