"""Bills and reservations on disk: what is set aside comes free again, whole, and only once."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bridge.publish import costs
from bridge.publish.budgets import Bill, Scope
from bridge.schema import reservations
from topics.values import AccountId, TransactionId

PAYER = AccountId(0, 0, 1001)
DAY_NS = 1_795_392_000 * 10**9  # 2026-11-23


def transaction(number: int) -> TransactionId:
    return TransactionId(PAYER, number)


def test_an_amount_is_on_the_campaigns_the_days_and_the_keys_bill() -> None:
    assert costs.bills("c1", {"a": 3, "b": 4}, at_ns=DAY_NS) == {
        Bill(Scope.CAMPAIGN, "c1"): 7,
        Bill(Scope.DAY, "2026-11-23"): 7,
        Bill(Scope.KEY, "a"): 3,
        Bill(Scope.KEY, "b"): 4,
    }


def test_reservations_add_up_and_come_free_once(connection: Connection) -> None:
    bill = Bill(Scope.CAMPAIGN, "c1")
    for number, tinybar in ((1, 10), (2, 20)):
        costs.reserve(connection, transaction(number), {bill: tinybar})
    assert costs.committed(connection, [bill, Bill(Scope.DAY, "x")]) == {bill: 30}
    assert costs.spent(connection, [bill]) == {bill: 0}
    for _ in range(2):
        costs.release(connection, [transaction(1), transaction(99)])
        assert costs.committed(connection, [bill]) == {bill: 20}
    assert costs.committed(connection, []) == {}


def test_a_renewed_id_keeps_what_was_set_aside(connection: Connection) -> None:
    bill = Bill(Scope.KEY, "backend")
    costs.reserve(connection, transaction(1), {bill: 10, Bill(Scope.KEY, "nothing"): 0})
    costs.carry_over(connection, transaction(1), transaction(2))
    costs.release(connection, [transaction(1)])
    assert costs.committed(connection, [bill]) == {bill: 10}
    costs.release(connection, [transaction(2)])
    assert costs.committed(connection, [bill]) == {bill: 0}
    assert connection.execute(select(reservations)).all() == []


def test_a_topic_is_on_the_bill_of_who_made_the_campaign_known(connection: Connection) -> None:
    costs.sponsor(connection, "c1", "backend")
    assert costs.sponsors_of(connection, ["c1", "c2"]) == {"c1": "backend"}


def test_sums_come_by_name(connection: Connection) -> None:
    for name in ("b", "a"):
        costs.reserve(connection, transaction(1), {Bill(Scope.KEY, name): 5})
    assert [(found.name, found.tinybar, found.reserved_tinybar) for found in costs.sums(connection, Scope.KEY)] == [
        ("a", 0, 5),
        ("b", 0, 5),
    ]
    assert costs.sums(connection, Scope.DAY) == []
