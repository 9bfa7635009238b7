"""Coding is exact for every JSON value, one-to-one, and equal to the published table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.door.catalogue import BUILT_IN
from bridge.protocol.values import JSON
from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.dictionary import (
    EVENTS,
    FIELDS,
    FIRST_CONTROL_CODE,
    VALUES,
    decode_data,
    encode_data,
    event_code,
    event_name,
)
from tests.bridge.protocol.samples import event_names, payloads
from tests.vectors.build import VECTORS


@given(event_names, payloads)
def test_every_payload_comes_back_exactly(event: str, data: dict[str, JSON]) -> None:
    coded = cbor.decode(cbor.encode(encode_data(event, data)))
    # As text, because 1, 1.0 and True are equal to Python.
    assert json.dumps(decode_data(event, coded), sort_keys=True) == json.dumps(data, sort_keys=True)


@given(st.sampled_from(sorted(EVENTS)), payloads)
def test_there_is_no_second_coding(event: str, data: dict[str, JSON]) -> None:
    """Spelling out what has a code is refused."""
    coded = encode_data(event, data)
    if coded != data:
        with pytest.raises(CborInvalid):
            decode_data(event, dict(data))


def test_names_values_and_decimals_shrink() -> None:
    data: dict[str, JSON] = {"balanceType": "HBAR", "newBalance": "-86100000000", "tokenId": "0.0.7"}
    assert encode_data("BALANCE_UPDATE", data) == {4: 1, 5: -86_100_000_000, 34: "0.0.7"}


@pytest.mark.parametrize("text", ["", "-0", "007", "+1", " 1", "1.0", "1e3", "٣", str(2**63), "-" + "9" * 30, "1\n"])
def test_decimals_that_an_integer_would_not_give_back_stay_text(text: str) -> None:
    assert encode_data("BALANCE_UPDATE", {"newBalance": text}) == {5: text}


def test_limits_of_int64_are_integers() -> None:
    data: dict[str, JSON] = {"newBalance": str(2**63 - 1), "oldBalance": str(-(2**63)), "changeAmount": "0"}
    assert encode_data("BALANCE_UPDATE", data) == {5: 2**63 - 1, 6: -(2**63), 7: 0}


def test_metrics_are_coded_below_their_map() -> None:
    data: dict[str, JSON] = {"engagementMetrics": {"totalLikes": 3, "engagementRate": 0.5}}
    assert encode_data("CAMPAIGN_ENGAGEMENT_UPDATE", data) == {13: {14: 3, 18: 0.5}}


def test_a_declared_event_is_not_coded() -> None:
    data: dict[str, JSON] = {"campaignId": "1234", "newStatus": "CampaignRunning"}
    assert encode_data("LEVEL_UP", data) == data == decode_data("LEVEL_UP", data)
    with pytest.raises(CborInvalid):
        decode_data("LEVEL_UP", {1: 1234})
    assert event_code("LEVEL_UP") == "LEVEL_UP" == event_name("LEVEL_UP")


@pytest.mark.parametrize(
    "coded",
    [
        [],
        {0: 1},
        {47: 1},  # no such field
        {1: 2**63},  # beyond int64
        {1: 1.0},
        {1: True},
        {1: None},
        {1: {}},
        {1: ["7"]},  # an escape for what needs none
        {1: [7, 8]},
        {1: []},
        {1: "7"},  # spelled out
        {2: 0},
        {2: 9},
        {2: "CampaignRunning"},
        {2: ["x"]},
        {13: 1},
        {13: [{}]},
        {13: {"totalLikes": 1}},
        {"campaignId": 1},
        {19: b"bytes"},
        {19: [b"bytes"]},
        {19: {1: "coded below a text field"}},
        {1: [cbor.Tag(16, 0)]},
    ],
)
def test_what_no_writer_codes_is_refused(coded: object) -> None:
    with pytest.raises(CborInvalid):
        decode_data("CAMPAIGN_STATUS_UPDATE", coded)


@pytest.mark.parametrize("code", [0, 9, 199, True, 1.0, None, "", "BALANCE_UPDATE", b"x"])
def test_unknown_event_codes_and_spelled_out_names_are_refused(code: object) -> None:
    with pytest.raises(CborInvalid):
        event_name(code)


def test_codes_are_unique_and_leave_room_for_control_messages() -> None:
    assert len(set(EVENTS.values())) == len(EVENTS)
    assert len({code for code, _ in FIELDS.values()}) == len(FIELDS)
    assert max(EVENTS.values()) < FIRST_CONTROL_CODE
    assert {name for name, (_, kind) in FIELDS.items() if kind == "enum"} == set(VALUES)


def test_every_built_in_field_has_a_code() -> None:
    for rule in BUILT_IN.values():
        assert rule.name in EVENTS
        names = {*rule.fields, *(below for field in rule.fields.values() for below in field.fields)}
        assert names <= FIELDS.keys()


def test_the_published_table_is_this_one() -> None:
    published = json.loads((VECTORS / "dictionary.json").read_text())
    assert published["events"] == dict(EVENTS)
    assert published["fields"] == {name: {"code": code, "kind": kind} for name, (code, kind) in FIELDS.items()}
    assert published["values"] == {name: list(values) for name, values in VALUES.items()}


def test_the_documented_table_is_this_one() -> None:
    text = (VECTORS.parents[1] / "docs" / "wire-format.md").read_text()
    for name, code in EVENTS.items():
        assert f"| {name} | {code} |" in text
    for name, (code, kind) in FIELDS.items():
        assert f"| {name} | {code} | {kind} |" in text
    for name, values in VALUES.items():
        [row] = [line for line in text.splitlines() if line.startswith("| ") and name in line and " 1 " in line]
        assert row.endswith("| " + ", ".join(f"{code} {value}" for code, value in enumerate(values, 1)) + " |")
