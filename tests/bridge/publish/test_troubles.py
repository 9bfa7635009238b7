"""An operator is told of each kind of trouble, of its end, and of little in between."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from structlog.testing import capture_logs

from bridge.errors import BudgetSpent, Unavailable
from bridge.publish.troubles import Troubles
from topics.errors import Rejected
from topics.errors import Unavailable as NetworkAway

AWAY = Unavailable("the database", "disk full", hint="wait")


class Clock:
    """In seconds."""

    s = 0.0

    def __call__(self) -> float:
        return self.s


def told(logs: list[MutableMapping[str, Any]]) -> list[str]:
    return [entry["event"].partition(";")[0] for entry in logs if entry["log_level"] != "debug"]


def test_an_hour_without_a_network_is_a_line_a_minute_for_a_thousand_campaigns() -> None:
    clock = Clock()
    troubles = Troubles(clock)
    with capture_logs() as logs:
        for second in range(0, 3600, 30):
            clock.s = second
            for number in range(1000):
                troubles.delayed(f"c{number}", AWAY)
    assert told(logs) == ["flight delayed"] * 60
    lines = [entry for entry in logs if entry["event"] == "flight delayed"]
    assert [entry["campaigns"] for entry in lines] == [1] + [1000] * 59
    assert (lines[0]["ref"], lines[0]["reason"], lines[0]["hint"]) == ("c0", str(AWAY), "wait")
    assert [entry["log_level"] for entry in logs if entry.get("ref") == "c999"] == ["debug"] * 120
    assert troubles.why["c999"] == str(AWAY)


def test_its_end_is_told_once_and_the_next_beginning_at_once() -> None:
    troubles = Troubles(Clock())
    with capture_logs() as logs:
        for _ in range(2):
            for ref in ("c1", "c2"):
                troubles.delayed(ref, AWAY)
            for ref in ("c1", "c2", "c3"):
                troubles.over(ref)
    assert told(logs) == ["flight delayed", "submission goes on"] * 2
    ends = [entry for entry in logs if entry["event"] == "submission goes on"]
    assert [(entry["after"], entry["campaigns"]) for entry in ends] == [("the database", 2)] * 2
    assert troubles.why == {}


def test_what_an_operator_must_look_at_is_told_beside_what_passes_by_itself() -> None:
    troubles = Troubles(Clock())
    with capture_logs() as logs:
        troubles.delayed("c1", AWAY)
        troubles.stopped("c2", BudgetSpent("day_hbar", hint="raise it"))
        troubles.stopped("c3", Rejected("flight 1", "INVALID_TOPIC_ID"))
        troubles.stopped("c4", Rejected("flight 2", "UNAUTHORIZED"))
        troubles.stopped("c5", Rejected("flight 3", "UNAUTHORIZED"))
    assert told(logs) == ["flight delayed", *["submission stopped"] * 3]
    assert [entry["hint"] for entry in logs if entry.get("ref") == "c2" and "hint" in entry] == ["raise it"]
    assert troubles.why["c2"].endswith("; raise it")


def test_one_that_is_in_another_trouble_now_is_no_longer_in_the_first() -> None:
    troubles = Troubles(Clock())
    with capture_logs() as logs:
        troubles.delayed("c1", AWAY)
        troubles.stopped("c1", BudgetSpent("day_hbar", hint="raise it"))
    assert told(logs) == ["flight delayed", "submission goes on", "submission stopped"]


def test_a_database_and_a_network_that_are_away_are_two() -> None:
    troubles = Troubles(Clock())
    with capture_logs() as logs:
        troubles.delayed("c1", NetworkAway("node 0.0.3", "no answer"))
        troubles.delayed("c2", NetworkAway("node 0.0.4", "no answer"))
        troubles.delayed("c3", AWAY)
    assert [entry["ref"] for entry in logs if entry["log_level"] != "debug"] == ["c1", "c3"]
