"""The demo's book-keeping: what counts as confirmed, doubled, missing, verified."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from bridge.demo.account import Account, percentiles
from topics.values import Position, TopicId

MS = 1_000_000
TOPIC = TopicId(0, 0, 7001)


def meta(event_id: str, sequence: int, phase: str = "confirmed") -> dict[str, Any]:
    place = {
        "topicId": str(TOPIC),
        "sequence": sequence,
        "consensusTimestamp": f"1.{sequence:09d}",
        "runningHash": base64.b64encode(bytes([sequence])).decode(),
    }
    return {"meta": {"id": event_id, "phase": phase, **(place if phase == "confirmed" else {})}}


def chain(length: int) -> dict[TopicId, list[Position]]:
    return {TOPIC: [Position(n, 1_000_000_000 + n, bytes([n])) for n in range(1, length + 1)]}


def told(confirmed: list[str], *, posted: str = "abc", known: int = 9) -> dict[str, Any]:
    account = Account(mirror_delay_ns=2 * MS)
    for event_id in posted:
        account.posted(event_id, "campaign:1", "1", at_ns=0)
        account.published("campaign:1", meta(event_id, 0, "provisional"), 3 * MS)
    for sequence, event_id in enumerate(confirmed, 1):
        account.published("campaign:1", meta(event_id, sequence), 1_000_000_000 + sequence + 7 * MS)
    return account.summary(chain(known))


def test_when_all_is_well_the_numbers_agree() -> None:
    summary = told(["a", "b", "c"])
    assert {summary[name] for name in ("accepted", "confirmed", "relayed", "verified")} == {3}
    assert (summary["duplicates"], summary["gaps"], summary["topics"]) == (0, 0, 1)
    assert summary["provisional_ms"] == {"p50": 3.0, "p99": 3.0}
    assert summary["confirmed_ms"] == {"p50": 5.0, "p99": 5.0}


@pytest.mark.parametrize(
    ("confirmed", "duplicates", "gaps"),
    [
        (["a", "b"], 0, 1),
        (["a", "c", "b"], 0, 1),
        (["a", "b", "b", "c"], 1, 0),
        (["a", "b", "c", "a"], 1, 0),
        ([], 0, 3),
    ],
)
def test_what_is_missing_late_or_doubled_is_counted(confirmed: list[str], duplicates: int, gaps: int) -> None:
    summary = told(confirmed)
    assert (summary["duplicates"], summary["gaps"]) == (duplicates, gaps)


def test_only_what_the_recomputed_chain_holds_is_verified() -> None:
    assert told(["a", "b", "c"], known=2)["verified"] == 2
    assert told(["a", "b", "c"], known=0)["verified"] == 0


def test_what_has_not_come_back_is_waiting() -> None:
    account = Account(mirror_delay_ns=0)
    account.posted("a", "user:1", None, at_ns=0)
    assert account.waiting == 1
    account.published("user:1", meta("a", 1), 0)
    assert account.waiting == 0
    assert account.topic_ids == {TOPIC}


def test_campaigns_may_overtake_each_other_on_a_users_channel() -> None:
    account = Account(mirror_delay_ns=0)
    for event_id, campaign in (("a", "1"), ("b", "2"), ("c", "1")):
        account.posted(event_id, "user:1", campaign, at_ns=0)
    for event_id in ("a", "c", "b"):
        account.published("user:1", meta(event_id, 1), 0)
    assert account.summary({})["gaps"] == 0


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentiles(range(1, 101)) == {"p50": 50, "p99": 99}
    assert percentiles([4.0]) == {"p50": 4.0, "p99": 4.0}
    assert percentiles([]) == {"p50": None, "p99": None}
