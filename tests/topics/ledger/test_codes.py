"""Each precheck code asks for what HCS does with it; the names are the proto's."""

from __future__ import annotations

import pytest

from topics.ledger.codes import _VERDICTS, NOT_FOUND, PENDING, Verdict, code_name, counted_as, verdict
from topics.ledger.hapi import response_code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, Verdict.TAKEN),
        (11, Verdict.TAKEN),
        (12, Verdict.BUSY),
        (67, Verdict.ELSEWHERE),
        (69, Verdict.ELSEWHERE),
        (396, Verdict.ELSEWHERE),
        (375, Verdict.ELSEWHERE),
        (3, Verdict.MOVED),
        (5, Verdict.LATER),
        (4, Verdict.EXPIRED),
        (9, Verdict.REFUSED),
        (10, Verdict.REFUSED),
        (7, Verdict.REFUSED),
        (150, Verdict.REFUSED),
        (214, Verdict.REFUSED),
        (99_999, Verdict.REFUSED),
    ],
)
def test_codes_mean_what_the_table_says(code: int, expected: Verdict) -> None:
    assert verdict(code_name(code)) is expected


def test_every_name_is_the_protos() -> None:
    for name in (*_VERDICTS, *PENDING, NOT_FOUND):
        assert code_name(response_code.ResponseCodeEnum.Value(name)) == name


def test_a_code_newer_than_our_protobufs_shows_its_number() -> None:
    assert code_name(99_999) == "RESPONSE_CODE_99999"


def test_codes_without_a_name_are_counted_together() -> None:
    assert {counted_as(code_name(code)) for code in range(90_000, 91_000)} == {"other"}
    assert counted_as("BUSY") == "BUSY"
