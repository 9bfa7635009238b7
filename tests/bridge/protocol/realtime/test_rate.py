"""A token bucket gives no more than its rate, and says how long to wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.realtime.rate import TokenBucket, TokenBuckets


def test_burst_then_rate() -> None:
    bucket = TokenBucket(2.0, 3, now_ms=1000)
    assert [bucket.take(1000) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(1499) > 0
    assert bucket.take(1500) == 0
    assert bucket.take(900) > 0  # a clock that steps back gains nothing
    assert bucket.take(1400) == 0  # and goes on from there


@given(waits=st.lists(st.integers(0, 3000), max_size=60), rate=st.integers(1, 20), burst=st.integers(1, 20))
def test_never_more_than_burst_and_rate(waits: list[int], rate: int, burst: int) -> None:
    bucket, now_ms, taken = TokenBucket(rate, burst, now_ms=0), 0, 0
    for wait in waits:
        now_ms += wait
        taken += bucket.take(now_ms) == 0
    assert taken <= burst + rate * now_ms / 1000 + 1e-6


def test_each_has_a_rate_of_its_own_and_only_the_last_are_remembered() -> None:
    buckets = TokenBuckets(2.0, 1, most=2)
    assert [buckets.take(name, 0) for name in "aabb"] == [0, 0.5, 0, 0.5]
    assert buckets.take("a", 0) == 0.5  # remembered, and now the last of both
    assert buckets.take("c", 0) == 0  # in the place of b
    assert [buckets.take(name, 0) for name in "ab"] == [0.5, 0]
