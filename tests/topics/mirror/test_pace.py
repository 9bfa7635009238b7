"""Over any second no more requests pass than agreed, small bursts aside; a mirror's wish is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.mirror.pace import Pace


@given(
    rate=st.floats(0.5, 200),
    steps=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_never_faster_than_agreed(rate: float, steps: list[float]) -> None:
    pace, now, sent = Pace(rate), 100.0, []
    for step in steps:
        now += step
        sent.append(now + pace.reserve(now))
    assert sent == sorted(sent)
    for at in sent:
        within = sum(1 for other in sent if at <= other < at + 1.0)
        assert within <= rate * 1.2 + 2


def test_the_first_goes_at_once_and_a_crowd_is_spread() -> None:
    pace = Pace(2.0)
    assert [pace.reserve(50.0) for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]


def test_held_shut_nobody_goes_before_the_time() -> None:
    pace = Pace(100.0)
    pace.hold(60.0)
    assert pace.reserve(50.0) >= 10.0
    pace.hold(55.0)
    assert pace.reserve(50.0) >= 10.0


def test_a_place_taken_before_the_wish_is_void_until_then() -> None:
    pace = Pace(100.0)
    assert not pace.is_shut(50.0)
    pace.hold(60.0)
    assert pace.is_shut(59.9)
    assert not pace.is_shut(60.0)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Pace(0)


def test_with_others_beside_it_is_slower_by_their_number() -> None:
    pace = Pace(2.0)
    pace.share(1 / 2)
    assert [pace.reserve(50.0) for _ in range(3)] == [0.0, 1.0, 2.0]
