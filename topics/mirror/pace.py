"""The pace of requests to one mirror: a token bucket that tells how long to wait, and can be held shut.

Pure but for the line that callers may wait in: they pass the time, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

import asyncio


class Pace:
    """At most `rate_per_s` requests on average; after a rest, some more at once (a fifth of a second's worth)."""

    def __init__(self, rate_per_s: float) -> None:
        if rate_per_s <= 0:
            raise ValueError("a rate is more than 0 per second")
        self._rate_per_s = rate_per_s
        self.share(1.0)
        self._due = 0.0
        self._shut_until = 0.0
        self.line = asyncio.Lock()
        """Where callers may wait, so that only the foremost takes a place: who gives up behind it leaves no gap."""

    def share(self, part: float) -> None:
        """Go on at this part of the rate: others have the rest."""
        self._interval = 1 / (self._rate_per_s * part)
        self._burst = max(0.2 - self._interval, 0.0)

    def reserve(self, now: float) -> float:
        """Take the next place; the caller waits so many seconds before it sends."""
        at = max(self._due, now - self._burst)
        self._due = at + self._interval
        return max(at - now, 0.0)

    def hold(self, until: float) -> None:
        """Nobody sends before `until`: the mirror asked for it. Who has a place already takes another behind it."""
        self._due = max(self._due, until + self._burst)
        self._shut_until = max(self._shut_until, until)

    def is_shut(self, now: float) -> bool:
        """Whether the mirror asked for silence since a place was taken: it holds no more, reserve again."""
        return now < self._shut_until
