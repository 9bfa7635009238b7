"""What the network's clock says, as far as its answers tell; so that a wrong clock here spoils no transaction.

A consensus time that was seen is a floor: the network is at least so far. A valid start that a node calls the future
is a ceiling. Between two answers time goes on by a clock that nobody sets.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock

from topics.values import NANOS

log = logging.getLogger(__name__)

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
        self._late = False  # a node has called an id of now expired
        self._told = False  # that our clock is off
        self._lock = Lock()

    @property
    def known(self) -> bool:
        """Whether the network has said anything of its time yet."""
        return self._floor is not None or self._ceiling is not None

    def seen(self, network_ns: int) -> None:
        """The network was at that time, now or earlier: a consensus timestamp, or the end of a window it calls over.

        What lies absurdly far ahead of our own clock is a mirror's error, unless a node says as well that we are late,
        and is left alone; so is 0, a mirror's word for nothing yet.
        """
        with self._lock:
            if network_ns <= 0 or (network_ns > self._now_ns() + MAX_SKEW_NS and not self._late):
                return
            floor = network_ns - self._elapsed_ns()
            self._floor = floor if self._floor is None else max(self._floor, floor)
            self._refusals, self._late = 0, False

    def refused(self, valid_start_ns: int) -> None:
        """A node calls that start the future: further back from now on, each time by more.

        A floor that says otherwise was a mirror's error.
        """
        with self._lock:
            setback_ns = min(BACKDATE_NS << min(self._refusals, 10), MAX_SETBACK_NS)
            self._refusals += 1
            passed_ns = self._elapsed_ns()
            ceiling = valid_start_ns - setback_ns - passed_ns
            if self._floor is not None and self._floor + passed_ns > valid_start_ns:
                self._floor = None
            self._ceiling = ceiling if self._ceiling is None else min(self._ceiling, ceiling)

    def expired(self, valid_start_ns: int) -> None:
        """A node calls the window over that began then. By what we take for the time it can't be: then we are late."""
        with self._lock:
            self._late = self._late or valid_start_ns >= self._start_ns() - MAX_SETBACK_NS

    def now_ns(self) -> int:
        """What time it is on the network, to some seconds."""
        return self.valid_start_ns() + BACKDATE_NS

    def valid_start_ns(self) -> int:
        """The start that nodes will take now, by our clock as the network's answers correct it."""
        with self._lock:
            return self._start_ns()

    def clock_ahead_s(self) -> float:
        """By how much our clock is ahead of the network's as its answers have it, behind: negative.

        0 within what does no harm. Logged when it begins and when it is over.
        """
        with self._lock:
            start_ns = self._start_ns()
            floor_ns = 0 if self._floor is None else self._floor + self._elapsed_ns()
            ahead_ns = self._now_ns() - (floor_ns if start_ns <= floor_ns else start_ns + BACKDATE_NS)
            ahead_s = ahead_ns / NANOS if abs(ahead_ns) > MAX_SETBACK_NS else 0.0
            if bool(ahead_s) is not self._told:
                self._told = bool(ahead_s)
                _tell(ahead_s)
            return ahead_s

    def _start_ns(self) -> int:
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


def _tell(ahead_s: float) -> None:
    if not ahead_s:
        log.info("this machine's clock agrees with the network's again")
        return
    way = "ahead of" if ahead_s > 0 else "behind"
    log.warning("this machine's clock is %.0f s %s the network's; let NTP set it", abs(ahead_s), way)
