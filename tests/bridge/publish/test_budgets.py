"""The arithmetic of budgets: what fits, when a warning is due, and shares that sum up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.publish.budgets import (
    Bill,
    Budgets,
    Scope,
    Stop,
    crossed,
    day_of,
    first_stop,
    hbar,
    share,
    split_by,
    usd,
    usd_per_hbar,
)
from topics.fees import ExchangeRate

CAMPAIGN, DAY, KEY = Bill(Scope.CAMPAIGN, "1"), Bill(Scope.DAY, "2026-11-22"), Bill(Scope.KEY, "backend")
AMOUNTS = st.integers(0, 10**18)


def test_each_bill_has_its_limit_and_the_bridges_own_refs_have_none() -> None:
    budgets = Budgets(campaign=1, day=2, keys={"backend": 3})
    assert [budgets.limit(bill) for bill in (CAMPAIGN, DAY, KEY)] == [1, 2, 3]
    assert budgets.limit(Bill(Scope.CAMPAIGN, "_account")) == 0
    assert budgets.limit(Bill(Scope.KEY, "other")) == 0
    assert budgets
    assert not Budgets(keys={"backend": 0})


def test_what_just_fits_is_let_through() -> None:
    budgets = Budgets(campaign=100)
    assert first_stop(budgets, {CAMPAIGN: 60, DAY: 60}, {CAMPAIGN: 40}) is None
    stop = first_stop(budgets, {DAY: 61, CAMPAIGN: 61}, {CAMPAIGN: 40})
    assert stop is not None
    assert str(stop) == (
        "budget of campaign 1: 0.0000004 of 0.000001 HBAR are spent or reserved, and the next step takes 0.00000061"
    )


@pytest.mark.parametrize(
    ("bill", "text"),
    [(CAMPAIGN, "budget of campaign 1"), (DAY, "budget of the day 2026-11-22"), (KEY, "budget of API key backend")],
)
def test_a_bill_names_itself(bill: Bill, text: str) -> None:
    assert str(bill) == text


def test_only_a_day_ends_by_itself() -> None:
    hints = [Stop(bill, 1, 1, 1).hint for bill in (CAMPAIGN, DAY, KEY)]
    assert ["wait for the day" in hint for hint in hints] == [False, True, False]
    assert all("raise" in hint for hint in hints)


@given(st.integers(1, 1000), st.lists(st.integers(0, 300), min_size=1))
def test_a_limit_is_crossed_at_most_once(limit: int, steps: list[int]) -> None:
    spent, crossings = 0, 0
    for step in steps:
        crossings += crossed(limit, before=spent, after=spent + step)
        spent += step
    assert crossings == (spent * 100 >= limit * 80)


def test_no_limit_is_never_crossed() -> None:
    assert not crossed(0, before=0, after=10)


@given(AMOUNTS, st.lists(st.integers(0, 20_000), min_size=1, max_size=50))
def test_shares_sum_up_and_are_fair_to_a_unit(total: int, weights: list[int]) -> None:
    shares = split_by(total, weights)
    assert sum(shares) == total
    whole = sum(weights)
    for weight, part in zip(weights, shares, strict=True):
        if whole:
            assert abs(part - total * weight / whole) <= max(1.0, total * 1e-12)


@given(AMOUNTS, st.lists(st.integers(1, 20_000), min_size=1, max_size=20))
def test_a_single_share_is_the_one_of_the_whole_split(total: int, weights: list[int]) -> None:
    alone = [
        share(total, before=sum(weights[:place]), weight=weight, whole=sum(weights))
        for place, weight in enumerate(weights)
    ]
    assert alone == split_by(total, weights)


def test_a_day_is_utc() -> None:
    midnight = round(datetime(2026, 11, 22, tzinfo=UTC).timestamp()) * 10**9
    assert (day_of(midnight - 1), day_of(midnight)) == ("2026-11-21", "2026-11-22")


def test_amounts_are_written_exactly() -> None:
    assert [hbar(0), hbar(1), hbar(150_000_000), hbar(20 * 10**8)] == ["0", "0.00000001", "1.5", "20"]
    assert [usd(0), usd(1_700_000), usd(10**10)] == ["0", "0.00017", "1"]
    assert usd_per_hbar(ExchangeRate(30_000, 360_000)) == "0.12"
