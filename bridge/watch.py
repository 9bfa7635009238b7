"""What systemd's watchdog is fed on: the loop turns, the database takes writes, and the relay asks its mirrors."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Protocol

from bridge.errors import Unavailable
from bridge.protocol.values import JSON


class Asked(Protocol):
    """Port: a mirror, and how many requests were sent to it (topics.mirror.fetch)."""

    @property
    def requests(self) -> int: ...


class Watch:
    """Holds how often mirrors had been asked at the last look, and when that was last seen to change.

    `lag_s` is the age of the oldest event that isn't confirmed. The relay asks in each round, whatever the mirrors
    answer; it is silent for as long as they want it to be, which is less than `patience_s`.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[Mapping[str, JSON]]],
        mirrors: Iterable[Asked],
        clients: Callable[[], int],
        lag_s: Callable[[], Awaitable[float]],
        *,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._mirrors = mirrors
        self._clients = clients
        self._lag_s = lag_s
        self._patience_s = patience_s
        self._clock = clock
        self._requests = -1
        self._moved_s = clock()

    async def status(self) -> str:
        """How it goes, in a line. Raises Unavailable: something has stopped."""
        requests, now_s = sum(mirror.requests for mirror in self._mirrors), self._clock()
        if requests != self._requests:
            self._requests, self._moved_s = requests, now_s
        elif now_s - self._moved_s > self._patience_s:
            raise Unavailable("the relay", f"it has asked no mirror for {now_s - self._moved_s:.0f} s")
        degraded = (await self._look())["degraded"]
        trouble = f"trouble with {', '.join(map(str, degraded))}" if isinstance(degraded, list) and degraded else "well"
        return f"{trouble}; lag {await self._lag_s():.0f} s; {self._clients()} clients"
