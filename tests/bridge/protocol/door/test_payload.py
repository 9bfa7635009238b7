"""Payloads hold what their event allows, ids and amounts as strings."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.protocol.door.catalogue import BUILT_IN, Field
from bridge.protocol.door.payload import as_id, check_fields, resolve_aliases


def check(field: Field, value: Any) -> tuple[Any, list[tuple[str, str]]]:
    problems: list[tuple[str, str]] = []
    checked = check_fields(
        {"f": value},
        {"f": field},
        lambda name, _value, rule: problems.append((name, rule)),
        path="payload",
        max_id_chars=8,
    )
    return checked.get("f"), problems


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("text", "", ""),
        ("id", "anything", "anything"),
        ("id", 1900017476130459569, "1900017476130459569"),
        ("campaign_id", 1234, "1234"),
        ("campaign_id", "a-b", "a-b"),
        ("amount", "1,000.50", "1,000.50"),
        ("amount", "infinitely many", "infinitely many"),
        ("amount", -86_100_000_000_000_000_000, "-86100000000000000000"),
        ("amount", 12.5, "12.5"),
        ("amount", 100.0, "100"),
        ("amount", 1e-7, "0.0000001"),
        ("amount", 0, "0"),
        ("number", 2**53 - 1, 2**53 - 1),
        ("number", -1.5, -1.5),
        ("number_or_text", "soon", "soon"),
        ("number_or_text", 5, 5),
        ("bool", False, False),
        ("plain", None, None),
        ("plain", True, True),
        ("plain", ["a", 1, None], ["a", 1, None]),
        ("map", {}, {}),
    ],
)
def test_what_passes(kind: Any, value: Any, expected: Any) -> None:
    got, problems = check(Field(kind), value)
    assert problems == []
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 5),
        ("text", {"hash": "x"}),
        ("text", ["x"]),
        ("id", 1.0),
        ("id", True),
        ("id", {}),
        ("campaign_id", "_account"),
        ("campaign_id", "a b"),
        ("campaign_id", 123456789),  # longer than configured
        ("campaign_id", 1.5),
        ("amount", False),
        ("amount", 2.0**53),  # digits may have been lost
        ("amount", []),
        ("amount", "NaN"),
        ("amount", "-Infinity"),
        ("amount", " inf "),
        ("number", "5"),
        ("number", True),
        ("number", 2**53),
        ("number_or_text", True),
        ("bool", 0),
        ("bool", "true"),
        ("plain", {"a": 1}),
        ("plain", [[1]]),
        ("plain", [{"hash": "x"}]),
        ("plain", 2**53),
        ("map", "text"),
        ("map", [1]),
    ],
)
def test_what_is_refused(kind: Any, value: Any) -> None:
    _, problems = check(Field(kind), value)
    assert [name for name, _ in problems] == ["payload.f"]


def test_a_closed_enumeration_lists_its_values() -> None:
    assert check(Field("text", values=("HBAR", "TOKEN")), "HBAR") == ("HBAR", [])
    _, problems = check(Field("text", values=("HBAR", "TOKEN")), "EUR")
    assert problems == [("payload.f", "must be one of HBAR, TOKEN")]


def test_null_is_absence() -> None:
    assert check(Field("text"), None) == (None, [])
    assert check(Field("text", required=True), None)[1] == [("payload.f", "is required")]


def test_below_a_map_the_allow_list_goes_on() -> None:
    metrics = BUILT_IN["CAMPAIGN_ENGAGEMENT_UPDATE"].fields["engagementMetrics"]
    full = {"totalLikes": 1, "totalRetweets": 2, "totalComments": 3, "uniqueParticipants": 4}
    assert check(metrics, full) == (full, [])
    _, problems = check(metrics, {**full, "hash": "x", "totalLikes": None})
    assert problems == [
        ("payload.f.hash", "is not a field that this event may carry"),
        ("payload.f.totalLikes", "is required"),
    ]


def resolve(payload: dict[str, Any], preset: dict[str, str]) -> tuple[dict[str, Any], list[str]]:
    problems: list[str] = []
    resolved = resolve_aliases(
        payload, BUILT_IN["BALANCE_UPDATE"], preset, lambda field, _value, rule: problems.append(f"{field} {rule}")
    )
    return resolved, problems


def test_aliases_of_fields() -> None:
    assert resolve({"type": "HBAR", "availableBalance": "1"}, {}) == ({"balanceType": "HBAR", "newBalance": "1"}, [])
    assert resolve({"newBalance": "1"}, {"balanceType": "TOKEN"}) == ({"newBalance": "1", "balanceType": "TOKEN"}, [])


def test_aliases_that_contradict_are_refused() -> None:
    assert resolve({"type": "HBAR", "balanceType": "HBAR"}, {})[1] == [
        "payload.type is another name of balanceType, which is there too"
    ]
    assert resolve({"type": "HBAR"}, {"balanceType": "TOKEN"})[1] == [
        "payload.balanceType must be TOKEN in an event of this name"
    ]


def test_ids() -> None:
    assert (as_id(7, max_chars=64), as_id("7", max_chars=64)) == ("7", "7")
    others: list[Any] = [True, 1.0, None, "", "a:b", [], -0.0]
    for value in others:
        assert as_id(value, max_chars=64) is None
