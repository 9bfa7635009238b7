"""Campaigns as the console lists them: in pages, with what of each waits and how far it is read."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from bridge.console import campaigns
from bridge.console.campaigns import Wanted
from bridge.publish.budgets import Scope
from bridge.schema import costs, positions, registry, topics, transactions
from tests.bridge.console.plans import Plans
from tests.bridge.publish.test_mending import add, entry, fly, park

NOTHING_WAITS = {"waiting": 0, "flying": 0, "submitted": 0, "parked": 0}


def listed(connection: Connection, wanted: Wanted) -> tuple[list[str], Any]:
    found: Any = campaigns.page(connection, wanted, {})
    return [row["id"] for row in found["campaigns"]], found["next"]


def one(connection: Connection, ref: str, stopped: dict[str, str] | None = None) -> Any:
    return campaigns.one(connection, ref, stopped or {})


def read_to(connection: Connection, ref: str, topic_id: str, sequence: int, **more: Any) -> None:
    """The campaign's topic, read and checked up to this message."""
    connection.execute(update(topics).where(topics.c.ref == ref).values(topic_id=topic_id, state="ready"))
    row = {"sequence": sequence, "consensus_ns": 1, "running_hash": b"", "producer_sequence": 1, "skipped": 0}
    connection.execute(insert(positions).values(topic_id=topic_id, opened_sequence=sequence, **row | more))


def test_pages_join_without_gap_or_repeat(connection: Connection) -> None:
    for number in range(3, 8):
        registry.intend(connection, f"c{number}", owner="77", now_ms=1)
    registry.reserve(connection, "_account", now_ms=1)  # no campaign
    assert listed(connection, Wanted(3)) == (["c1", "c2", "c3"], "c3")
    assert listed(connection, Wanted(3, "c3")) == (["c4", "c5", "c6"], "c6")
    assert listed(connection, Wanted(3, "c6")) == (["c7"], None)
    assert listed(connection, Wanted(7)) == (["c1", "c2", "c3", "c4", "c5", "c6", "c7"], None)
    assert "77" not in str(campaigns.page(connection, Wanted(9), {}))  # whose they are is not the console's


def test_found_by_a_part_of_the_id_or_topic_and_if_halted(connection: Connection) -> None:
    registry.intend(connection, "Spring_1", owner=None, now_ms=1)
    read_to(connection, "c1", "0.0.71", 4)
    read_to(connection, "c2", "0.0.82", 4, halted="running hash mismatch")
    assert listed(connection, Wanted(9, search="pring")) == (["Spring_1"], None)
    assert listed(connection, Wanted(9, search="0.71")) == (["c1"], None)
    assert listed(connection, Wanted(9, search="%")) == ([], None)
    assert listed(connection, Wanted(9, search="c_")) == ([], None)
    assert listed(connection, Wanted(9, only_halted=True)) == (["c2"], None)
    assert one(connection, "c2")["halted"] == "running hash mismatch"


def test_what_is_known_of_one(connection: Connection) -> None:
    assert one(connection, "c9") is None
    assert one(connection, "c1") == {
        "id": "c1", "status": "intended", "relay": "plain", "topicId": None, "sequence": 0, "behind": 0, "halted": None,
        "skipped": 0, "stopped": None, "outbox": NOTHING_WAITS, "openSince": None,
        "cost": {"tinybar": "0", "usd": "0", "reservedTinybar": "0", "transactions": 0, "events": 0},
    }  # fmt: skip
    read_to(connection, "c1", "0.0.7", 4, skipped=2)
    add(connection, *(entry(number) for number in (1, 2, 3, 4)))
    park(connection, 1)
    flight_id = fly(connection, 2, to="submitted")
    sent = {
        "payer": "0.0.2",
        "ref": "c1",
        "flight_id": flight_id,
        "total": 2,
        "valid_duration_s": 1,
        "state": "settled",
    }
    connection.execute(
        insert(transactions), [sent | {"valid_start_ns": n, "number": n, "sequence": 4 + n} for n in (1, 2)]
    )
    connection.execute(
        insert(costs).values(
            scope="campaign", name="c1", tinybar=7, tinycents=5 * 10**9, reserved_tinybar=3, transactions=2, events=1
        )
    )
    registry.close(connection, "c1", now_ms=9)
    found = one(connection, "c1", {"c1": "budget of campaign c1"})
    assert (found["status"], found["topicId"], found["sequence"], found["skipped"]) == ("closing", "0.0.7", 4, 2)
    assert found["behind"] == 2  # consensus has message 6, by receipt
    assert found["outbox"] == NOTHING_WAITS | {"waiting": 2, "submitted": 1, "parked": 1}
    assert found["openSince"] == "1970-01-01T00:00:00.007Z"
    assert found["stopped"] == "budget of campaign c1"
    assert found["cost"] == {
        "tinybar": "7", "usd": "0.5", "reservedTinybar": "3", "transactions": 2, "events": 1,
    }  # fmt: skip


def test_everything_in_numbers(connection: Connection) -> None:
    assert campaigns.totals(connection) == {
        "accepted": 0, "verified": 0, "campaigns": 2, "halted": 0, "skipped": 0, "outbox": NOTHING_WAITS,
    }  # fmt: skip
    read_to(connection, "c1", "0.0.7", 4, skipped=1)
    read_to(connection, "c2", "0.0.8", 5, halted="a mirror lied")
    add(connection, entry(1), entry(2), entry(3, "c2"))
    park(connection, 2)
    assert campaigns.totals(connection) == {
        "accepted": 3, "verified": 9, "campaigns": 2, "halted": 1, "skipped": 1,
        "outbox": NOTHING_WAITS | {"waiting": 2, "parked": 1},
    }  # fmt: skip


def test_bills_are_the_latest_ones(connection: Connection) -> None:
    amounts = {"scope": "day", "tinycents": 0, "reserved_tinybar": 0, "transactions": 1, "events": 1}
    days = [{"name": f"2026-11-0{n}", "tinybar": n} for n in (1, 2, 3)]
    connection.execute(insert(costs), [amounts | day for day in days])
    found = campaigns.bills(connection, Scope.DAY, limit=2)
    assert [(row["name"], row["tinybar"]) for row in found] == [("2026-11-03", "3"), ("2026-11-02", "2")]
    assert campaigns.bills(connection, Scope.KEY, limit=2) == []


@pytest.mark.sqlite
def test_no_statement_scans_what_grows_with_events(connection: Connection, plans: Plans) -> None:
    with plans.noted():
        campaigns.page(connection, Wanted(9, "c1", "c", only_halted=True), {})
        campaigns.one(connection, "c1", {})
        campaigns.totals(connection)
        campaigns.bills(connection, Scope.DAY, limit=2)
    assert plans.count > 5
    assert plans.scanned() <= {"topics", "positions"}
