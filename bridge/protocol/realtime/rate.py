"""A token bucket: how often something may happen."""

from __future__ import annotations

from collections import OrderedDict


class TokenBucket:
    """Holds up to `burst` tokens, full at first, and gains `rate_per_s` a second. Time is what it is told."""

    __slots__ = ("_burst", "_now_ms", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: float, *, now_ms: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = max(1.0, burst)
        self._tokens = self._burst
        self._now_ms = now_ms

    def take(self, now_ms: int) -> float:
        """Take a token: 0 comes back. Where there is none, none is taken: the seconds until there is one come back."""
        passed_ms = max(0, now_ms - self._now_ms)  # a clock that steps back costs nothing, and goes on from there
        self._now_ms = now_ms
        self._tokens = min(self._burst, self._tokens + passed_ms * self._rate_per_s / 1000)
        if self._tokens < 1:
            return (1 - self._tokens) / self._rate_per_s
        self._tokens -= 1
        return 0.0


class TokenBuckets:
    """One such bucket for each name; the `most` names that took last are remembered: more than are busy at a time."""

    def __init__(self, rate_per_s: float, burst: float, *, most: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._most = most
        self._buckets = OrderedDict[str, TokenBucket]()

    def take(self, name: str, now_ms: int) -> float:
        """As `TokenBucket.take`, of this name's."""
        bucket = self._buckets.pop(name, None) or TokenBucket(self._rate_per_s, self._burst, now_ms=now_ms)
        self._buckets[name] = bucket
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(now_ms)
