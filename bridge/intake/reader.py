"""Takes the rows of one application's database, or the entries of its stream, each once, for as long as we run.

A row is deleted, an entry acknowledged, only behind the commit that took it. Killed in between, the next one to read
offers it again, and the bridge knows its event id: so whatever the application has committed is taken once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from bridge.counts import count
from bridge.errors import Unavailable
from bridge.intake.rows import Fate, Offer, Outcome, PlaceId
from bridge.intake.settings import SourceSettings
from bridge.log import Seldom, get_logger

log = get_logger(__name__)

FIRST_RETRY_S = 0.1
Take = Callable[[Sequence[Offer]], Awaitable[Sequence[Outcome]]]
"""Keeps each offer or refuses it: when it returns, they are on disk. Raises Unavailable: the same again, later."""


class State(StrEnum):
    """How a reader is."""

    STARTING = "starts"
    READING = "reads"
    STANDBY = "stands by: another bridge reads"
    AWAY = "waits"


class Source(Protocol):
    """A session with an application's side. Each method raises Unavailable; then the session is of no more use."""

    async def alone(self) -> bool:
        """Whether this session is the one that may read: of several bridges one does."""

    async def offers(self) -> Mapping[PlaceId, Offer]:
        """The first that wait, at most `max_batch`, in their order. None is behind one that isn't settled."""

    async def settle(self, done: Sequence[PlaceId], refused: Mapping[PlaceId, str]) -> None:
        """Those that are in the bridge's outbox wait no more; nor do those refused, each with why."""

    async def news(self, timeout_s: float) -> None:
        """Wait until there is more, as far as somebody says so, or the time is over."""


class Reader:
    """Of one source, which `opened` makes a session with."""

    def __init__(
        self, settings: SourceSettings, take: Take, opened: Callable[[], AbstractAsyncContextManager[Source]]
    ) -> None:
        self.name = settings.name
        self.state = State.STARTING
        self._settings = settings
        self._take = take
        self._opened = opened
        self._failures = 0  # in a row
        self._seldom = Seldom()

    async def run(self) -> None:
        """Go on until cancelled, over every outage."""
        while True:
            try:
                async with self._opened() as source:
                    await self._read(source)
            except Unavailable as error:
                self._become(State.AWAY, reason=str(error), hint=error.hint)
            self._failures += 1
            await asyncio.sleep(min(self._settings.reconnect_max_s, FIRST_RETRY_S * 2 ** min(self._failures, 16)))

    async def _read(self, source: Source) -> None:
        """Batch after batch, in the order of the ids, until either side is Unavailable."""
        while not await source.alone():
            self._become(State.STANDBY)
            await asyncio.sleep(self._settings.poll_interval_s)
        while True:
            offers = await source.offers()
            if offers:
                await self._hand_over(source, offers)
            self._become(State.READING)
            if len(offers) < self._settings.max_batch:
                await source.news(self._settings.poll_interval_s)

    async def _hand_over(self, source: Source, offers: Mapping[PlaceId, Offer]) -> None:
        """Wherever this ends, a change is with the application, or in our outbox, or in both and seen next time."""
        outcomes = dict(zip(offers, await self._take([*offers.values()]), strict=True))
        for fate, number in Counter(outcome.fate for outcome in outcomes.values()).items():
            count(f"intake {fate}", self.name, by=number)
        refused = {place: outcome.reason for place, outcome in outcomes.items() if outcome.fate is Fate.REFUSED}
        await source.settle([place for place in offers if place not in refused], refused)
        if refused and (times := self._seldom.due("refused")):
            log.warning("intake refuses some: what is kept of them says why", source=self.name, times=times)

    def _become(self, state: State, **why: str) -> None:
        """One line for each change; what works, works from the beginning again."""
        if state is not State.AWAY:
            self._failures = 0
        if state is self.state:
            return
        self.state = state
        tell = log.warning if state is State.AWAY else log.info
        tell(f"intake {state}", source=self.name, **why)
