"""How many topics a node takes a second: its share of what the network allows."""

from __future__ import annotations

from topics.values import NANOS


class Throttle:
    """A bucket that fills by `per_s`, and holds what comes together in one second, but at least one."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._full = max(1.0, per_s)
        self._left = self._full
        self._at_ns: int | None = None

    def allows(self, now_ns: int) -> bool:
        """Whether one more may pass now. Counts it if so."""
        if self._at_ns is not None:
            passed_s = max(0, now_ns - self._at_ns) / NANOS
            self._left = min(self._full, self._left + passed_s * self._per_s)
        self._at_ns = now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True
