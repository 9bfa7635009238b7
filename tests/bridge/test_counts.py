"""Times fall where they belong."""

from __future__ import annotations

from bridge.counts import BOUNDS_S, Times, count, happened, observe, took


def test_what_happened() -> None:
    before = happened["tested", "a"]
    count("tested", "a")
    count("tested", "a", by=3)
    assert happened["tested", "a"] - before == 4


def test_a_bound_belongs_to_what_is_below_it() -> None:
    took["tested", ""] = Times()
    for seconds in (-1.0, 0.0, 0.001, 0.0011, 1.0, 5000.0):
        observe("tested", seconds)
    times = took.pop(("tested", ""))
    assert (times.by_bound[0], times.by_bound[1], times.by_bound[-1]) == (3, 1, 1)
    assert times.by_bound[BOUNDS_S.index(1.0)] == 1
    assert times.sum_s == 0.001 + 0.0011 + 1.0 + 5000.0
