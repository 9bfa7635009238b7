"""One mirror's address as everything that asks it shares it: its pace, its back-off, and how it was last seen."""

from __future__ import annotations

import asyncio
import logging
import time
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from topics.mirror.pace import Pace

log = logging.getLogger(__name__)


class State(StrEnum):
    """How a mirror was last seen."""

    UP = "up"
    LIMITED = "limited"  # it answers 429
    DOWN = "down"  # it doesn't answer, or not for good


class Patience(Protocol):
    """What a host needs of the settings."""

    @property
    def max_requests_per_s(self) -> float: ...
    @property
    def backoff_initial_s(self) -> float: ...
    @property
    def backoff_max_s(self) -> float: ...


class Host:
    """Times are seconds of `time.monotonic()`. A change of `state` is logged once; a request never is.

    One failure may be an accident: `down` is the second in a row. And a mirror is `up` again only once it has caused
    no trouble for `backoff_max_s`, so that one which answers now and then doesn't fill the log.
    """

    def __init__(self, name: str, patience: Patience, pace: Pace | None = None) -> None:
        self.name = name
        self.pace = Pace(patience.max_requests_per_s) if pace is None else pace
        self.state = State.UP
        self.ready_at = 0.0
        """Until then it is left alone where there is another to ask."""
        self._patience = patience
        self._failures = 0
        self._pauses = 0
        self._troubled_at = 0.0
        self._limited_since: float | None = None

    async def turn(self) -> None:
        """Wait for the next place in the pace."""
        async with self.pace.line:
            while True:
                if wait_s := self.pace.reserve(time.monotonic()):
                    await asyncio.sleep(wait_s)
                if not self.pace.is_shut(time.monotonic()):
                    return

    def answered(self, now: float) -> None:
        """It works."""
        self._failures, self._pauses, self.ready_at, self._limited_since = 0, 0, 0.0, None
        if self.state is not State.UP and now - self._troubled_at >= self._patience.backoff_max_s:
            self._become(State.UP, "it answers again")

    def limited(self, now: float, *, pause_s: float) -> float:
        """It calls us too many: nobody asks for `pause_s`. For how long that has been so now comes back, in seconds."""
        self._troubled_at = now
        self._limited_since = now if self._limited_since is None else self._limited_since
        self.pace.hold(now + pause_s)
        if self.state is State.UP:
            self._become(State.LIMITED, "it answers 429, too many requests")
        return now - self._limited_since

    def failed(self, now: float, reason: str, *, at_least_s: float = 0.0) -> None:
        """It doesn't work: left alone for longer each time. Many calls that fail together are one time."""
        self._troubled_at = now
        if self.is_ready(now):
            pause_s = self._patience.backoff_initial_s * 2.0 ** min(self._pauses, 32)
            self.ready_at = now + min(pause_s, self._patience.backoff_max_s)
            self._pauses += 1
        self.ready_at = max(self.ready_at, now + at_least_s)
        self._failures += 1
        if self._failures > 1:
            self._become(State.DOWN, reason)

    def is_ready(self, now: float) -> bool:
        """Whether it isn't backing off."""
        return self.ready_at <= now

    def _become(self, state: State, why: str) -> None:
        if state is not self.state:
            self.state = state
            log.log(
                logging.INFO if state is State.UP else logging.WARNING, "mirror %s is %s: %s", self.name, state, why
            )


class Hosts:
    """One Host for each address and side, one pace for each address, whoever asks for it and in whatever spelling."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._known: dict[str, Host] = {}
        self._paces: dict[str, Pace] = {}
        self._part = 1.0

    def of(self, url: str, *, side: str = "") -> Host:
        """The host of a URL, or of `host:port`. Sides ("", "streams") of one address may be up and down apart."""
        parts = urlsplit(url if "//" in url else f"//{url}")
        port = parts.port or {"http": 80}.get(parts.scheme, 443)
        address = f"{parts.hostname}:{port}"
        if (pace := self._paces.get(address)) is None:
            pace = self._paces[address] = Pace(self._patience.max_requests_per_s)
            pace.share(self._part)
        name = f"{address} {side}".rstrip()
        return self._known.setdefault(name, Host(name, self._patience, pace))

    def shared_by(self, daemons: int) -> None:
        """So many ask these addresses, at the settings' pace in all."""
        self._part = 1 / daemons
        for pace in self._paces.values():
            pace.share(self._part)
