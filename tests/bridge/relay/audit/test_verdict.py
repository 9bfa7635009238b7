"""The verdict in a line and for a machine: what decides between verified, unverified and failed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.relay.audit.verdict import Counts, Refuted, Verdict
from topics.errors import RunningHashMismatch, SequenceGap
from topics.values import TopicId

TOPIC = TopicId(0, 0, 7001)
GOOD = Verdict(TOPIC, 1, 1234, Counts(messages=1234, events=2000, skipped=3), pinned=True, signed=True)


def test_all_that_held() -> None:
    assert GOOD.result == "verified"
    expected = "verified: topic 0.0.7001, 1,234 messages, 2,000 events, 3 skipped, 0 signatures"
    assert GOOD.as_text() == expected


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (replace(GOOD, pinned=False), "the manifest's own key's: pin the bridge key"),
        (replace(GOOD, pinned=False, bundle="mainnet"), "named in the bundle itself: pin the bridge key"),
        (replace(GOOD, counts=Counts(unopened=1000)), "no key here opens 1,000 frames"),
        (replace(GOOD, signed=None), "no manifest"),
    ],
)
def test_what_could_not_be_checked_is_said(verdict: Verdict, why: str) -> None:
    assert verdict.result == "unverified"
    assert verdict.as_text().startswith("unverified: topic 0.0.7001")
    assert why in verdict.as_text()


def test_a_bundles_verdict_names_its_network_and_its_receipts() -> None:
    text = replace(GOOD, bundle="mainnet").as_text()
    assert text.startswith("verified: topic 0.0.7001 of mainnet, ")
    assert text.endswith("0 signatures, 0 receipts in the bundle agree")


def test_unsigned_frames_are_no_fault_where_the_manifest_says_so() -> None:
    verdict = replace(GOOD, signed=False)
    assert verdict.result == "verified"
    assert verdict.as_text().endswith("; frames aren't signed, as the manifest says")


def test_a_fault_tells_place_expected_and_got() -> None:
    mismatch = RunningHashMismatch(TOPIC, 17, expected=b"\1" * 48, got=b"\2" * 48)
    verdict = replace(GOOD, fault=Refuted.by_chain(mismatch, TOPIC))
    assert verdict.as_text() == (
        "FAILED at sequence 17: running hash: expected 0101010101010101…, got 0202020202020202…"
    )
    told = json.loads(json.dumps(verdict.as_json()))
    assert told["result"] == "failed"
    assert told["fault"] == {
        "sequence": 17,
        "what": "running hash",
        "expected": "0101010101010101…",
        "got": "0202020202020202…",
    }


def test_a_gap_is_told_where_the_message_should_be() -> None:
    fault = Refuted.by_chain(SequenceGap(TOPIC, expected=12, got=14), TOPIC)
    assert (fault.sequence, fault.expected, fault.got) == (12, "12", "14")


def test_a_right_hash_with_a_wrong_time_is_not_called_a_wrong_hash() -> None:
    same = RunningHashMismatch(TOPIC, 3, expected=bytes(48), got=bytes(48))
    assert Refuted.by_chain(same, TOPIC).detail == "running hash version or time"
