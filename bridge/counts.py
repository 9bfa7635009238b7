"""What has happened since the process began, counted where it happens; `bridge.metrics` shows it.

Like a log, one for the process, and only written to by the rooms. The event loop's thread alone may count.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


@dataclass(slots=True)
class Times:
    """How often something took how long: by the first of BOUNDS_S that it didn't exceed, the last place for more."""

    by_bound: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0


happened: Counter[tuple[str, str]] = Counter()
"""By what, and of which kind; kinds come from small fixed sets or the configuration, never from what others send."""
took: defaultdict[tuple[str, str], Times] = defaultdict(Times)


def count(what: str, kind: str = "", *, by: int = 1) -> None:
    """It has happened once more, or so many times."""
    happened[what, kind] += by


def observe(what: str, seconds: float, kind: str = "") -> None:
    """It took so long this time; clocks of two machines may make that negative, which counts as nothing."""
    times = took[what, kind]
    times.by_bound[bisect_left(BOUNDS_S, seconds)] += 1
    times.sum_s += max(0.0, seconds)
