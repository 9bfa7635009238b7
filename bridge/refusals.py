"""Writes that the disk, or the server, refused: who only reads would never hear of a full disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from bridge.counts import count
from bridge.errors import Unavailable
from bridge.log import Seldom, get_logger

log = get_logger(__name__)

LATELY_S = 60.0


class Refusals:
    """Holds when the last one was. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_s = -LATELY_S
        self._seldom = Seldom(clock)

    @property
    def lately(self) -> bool:
        """Whether there was one within the last minute."""
        return self._clock() - self._last_s < LATELY_S

    def note(self, outcomes: Iterable[object]) -> None:
        """What became of a group of writes."""
        refused = [each for each in outcomes if isinstance(each, Unavailable)]
        if not refused:
            return
        self._last_s = self._clock()
        count("database refusals")
        if times := self._seldom.due("refused"):
            log.error("the database refuses writes", reason=refused[0].reason, hint=refused[0].hint, groups=times)
