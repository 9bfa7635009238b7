"""A publication on one line of a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.commands.lines import publication_line


def publication(payload: dict[str, Any], **meta: Any) -> dict[str, Any]:
    data = {"type": "CAMPAIGN", "payload": payload, "timestamp": "2026-11-02T06:00:27.854Z"}
    return {"event": "CAMPAIGN_CLOSED", "data": data, "meta": {"id": "i", "phase": "provisional", **meta}}


def line_of(found: dict[str, Any]) -> str:
    return publication_line(found, arrived_ns=1_761_840_002_345_999_999)


def test_a_confirmed_one_shows_its_place_on_the_ledger() -> None:
    meta = {"topicId": "0.0.7001", "sequence": 17, "consensusTimestamp": "1761840000.123000001"}
    line = line_of(publication({"campaignId": "1234"}, phase="confirmed", **meta))
    assert line.split() == ["16:00:00.123", "confirmed", "0.0.7001#17", "CAMPAIGN_CLOSED", "campaignId=1234"]


@pytest.mark.parametrize("phase", ["provisional", "rejected"])
def test_one_that_is_not_on_the_ledger_shows_when_it_arrived(phase: str) -> None:
    assert line_of(publication({}, phase=phase)).split() == ["16:00:02.345", phase, "-", "CAMPAIGN_CLOSED"]


def test_long_and_many_fields_are_cut_and_nested_ones_left_out() -> None:
    line = line_of(publication({"a": "x" * 100, "b": {"c": 1}, "d": [1], "e": 1, "f": 2, "g": 3, "h": 4}))
    assert "x" * 39 + "…" in line
    assert line.endswith("e=1 f=2 g=3")


def test_a_payload_does_not_steer_the_terminal() -> None:
    line = line_of(publication({"a": "\x1b[2J\r\nfaked\x9b1m"}))
    assert line.isprintable()
