"""A node takes its share of new topics a second, and no more."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from topics.devnet.throttle import Throttle
from topics.values import NANOS


def test_a_burst_and_then_the_rate() -> None:
    throttle = Throttle(2.5)
    assert [throttle.allows(0) for _ in range(3)] == [True, True, False]
    assert throttle.allows(NANOS // 5)
    assert not throttle.allows(NANOS // 2)
    assert throttle.allows(NANOS * 6 // 10)


def test_a_slow_rate_lets_one_through() -> None:
    throttle = Throttle(0.1)
    assert [throttle.allows(at * NANOS) for at in (0, 1, 9, 10)] == [True, False, False, True]


@settings(deadline=None)  # a busy machine is no fault
@given(st.lists(st.integers(min_value=-NANOS, max_value=NANOS), max_size=60), st.floats(0.5, 50))
def test_never_more_than_the_rate(steps: list[int], per_s: float) -> None:
    throttle, now, passed = Throttle(per_s), 0, 0
    for step in steps:
        now += step
        passed += throttle.allows(now)
    # A clock that goes back gives time twice, once for each way back.
    given_s = sum(max(0, step) for step in steps) / NANOS
    assert passed <= max(1, per_s) + per_s * given_s + 1e-6
