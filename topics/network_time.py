"""What the network's clock says, as far as its answers tell; so that a wrong clock here spoils no transaction.

A consensus time that was seen is a floor: the network is at least so far. A valid start that a node calls the future
is a ceiling. Between two answers time goes on by a clock that nobody sets.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from topics.values import NANOS

BACKDATE_NS = 3 * NANOS
"""How far behind our clock a valid start lies, so that a node whose clock is a bit late takes it (SDKs: 5 to 8 s)."""
MAX_AHEAD_NS = 5 * NANOS
"""A start that is further ahead of the network than this is not tried."""
MAX_SETBACK_NS = 60 * NANOS
"""One refusal moves the start back by at most this, half of the usual window: an id must not be born expired."""
MAX_SKEW_NS = 600 * NANOS
"""What is believed of our clock's error without a floor (ahead) or from one answer (behind)."""


def elapsed_ns() -> int:
    """Nanoseconds that pass whatever the time of day is set to, a sleep of the machine included where it is known."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class NetworkTime:
    """Holds floor and ceiling, both reduced to the origin of `elapsed_ns`. Any thread may ask."""

    def __init__(self, now_ns: Callable[[], int], *, elapsed_ns: Callable[[], int] = elapsed_ns) -> None:
        self._now_ns = now_ns
        self._elapsed_ns = elapsed_ns
        self._floor: int | None = None
        self._ceiling: int | None = None
        self._refusals = 0
        self._lock = Lock()

    @property
    def known(self) -> bool:
        """Whether the network has said anything of its time yet."""
        return self._floor is not None or self._ceiling is not None

    def seen(self, network_ns: int) -> None:
        """The network was at that time, now or earlier: a consensus timestamp, or the end of a window it calls over.

        What lies absurdly far ahead of our own clock is a mirror's error, and is left alone; so is 0, a mirror's word
        for nothing yet.
        """
        if not 0 < network_ns <= self._now_ns() + MAX_SKEW_NS:
            return
        with self._lock:
            floor = network_ns - self._elapsed_ns()
            self._floor = floor if self._floor is None else max(self._floor, floor)
            self._refusals = 0

    def refused(self, valid_start_ns: int) -> None:
        """A node calls that start the future: further back from now on, each time by more."""
        with self._lock:
            setback_ns = min(BACKDATE_NS << min(self._refusals, 10), MAX_SETBACK_NS)
            self._refusals += 1
            ceiling = valid_start_ns - setback_ns - self._elapsed_ns()
            self._ceiling = ceiling if self._ceiling is None else min(self._ceiling, ceiling)

    def now_ns(self) -> int:
        """What time it is on the network, to some seconds."""
        return self.valid_start_ns() + BACKDATE_NS

    def valid_start_ns(self) -> int:
        """The start that nodes will take now, by our clock as the network's answers correct it."""
        with self._lock:
            now_ns, passed_ns = self._now_ns(), self._elapsed_ns()
            start_ns = now_ns - BACKDATE_NS
            if self._ceiling is not None:
                start_ns = max(min(start_ns, self._ceiling + passed_ns), start_ns - MAX_SKEW_NS)
            if self._floor is None:
                return start_ns
            floor_ns = self._floor + passed_ns
            if self._ceiling is not None and start_ns > floor_ns + MAX_AHEAD_NS:
                return floor_ns
            return max(start_ns, floor_ns - BACKDATE_NS)
