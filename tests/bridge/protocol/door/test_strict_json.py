"""JSON from outside is read exactly, and what can't be carried on is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from bridge.protocol.door.strict_json import MAX_NAME_CHARS, JsonInvalid, dotted, inspect, is_unicode, parse, type_name
from bridge.protocol.values import JSON
from tests.bridge.protocol.samples import json_values


@given(json_values)
def test_round_trip(value: JSON) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False)) == value


def test_integers_stay_exact() -> None:
    assert parse(b"[1900017476130459569, -123456789012345678901234567890]") == [
        1900017476130459569,
        -123456789012345678901234567890,
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"", "must be JSON"),
        (b"{", "must be JSON"),
        (b"{'a': 1}", "must be JSON"),
        (b"[1] 2", "must be JSON"),
        (b"\xff", "must be UTF-8"),
        (b'"\xed\xa0\x80"', "must be UTF-8"),
        (b"NaN", "must not hold NaN"),
        (b"[-Infinity]", "must not hold -Infinity"),
        (b"1e999", "beyond what a double carries"),
        (b'{"a": 1, "a": 2}', "names a field twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 5000, "too many digits"),
    ],
)
def test_what_is_not_json_as_we_take_it(text: bytes, rule: str) -> None:
    with pytest.raises(JsonInvalid, match=rule):
        parse(text)


def faults(value: JSON, depth: int = 3) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    inspect(value, lambda field, _value, rule: found.append((field, rule)), depth=depth)
    return found


def test_lone_surrogates_are_found_wherever_they_stand() -> None:
    value = parse(rb'{"ok": "\ud83d\ude00", "a": {"b": ["\ud83d"]}, "\udc00": 1}')
    assert faults(value) == [
        ("a.b.0", "must not hold a lone surrogate"),
        ("\\udc00", "must not hold a lone surrogate in its name"),
    ]
    assert is_unicode("😀é")


def test_depth_counts_containers() -> None:
    assert faults({"a": {"b": {}}}, depth=3) == []
    assert faults({"a": {"b": [[]]}}, depth=3) == [("a.b.0", "is nested too deeply")]


def test_a_peers_name_is_cut_and_printable() -> None:
    assert dotted("payload", "n" * 100) == "payload." + "n" * MAX_NAME_CHARS + "…"
    assert dotted("", "\ud800") == "\\ud800"


def test_types_have_jsons_names() -> None:
    values: list[JSON] = [None, True, 1, 1.5, "", [], {}]
    assert [type_name(value) for value in values] == [
        "null", "boolean", "number", "number", "string", "array", "object",
    ]  # fmt: skip
