"""Takes the rows of one application's database into the bridge, each once, for as long as the bridge runs.

A row is deleted only behind the commit that took it. Killed in between, the next one to read offers it again, and the
bridge knows its event id: so whatever the application has committed is taken once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import TYPE_CHECKING

from bridge.counts import count
from bridge.errors import Unavailable
from bridge.intake.rows import Fate, Offer, Outcome, Row, offer_of
from bridge.intake.settings import SourceSettings
from bridge.log import Seldom, get_logger

if TYPE_CHECKING:
    from bridge.intake.postgres import Source

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
            rows = await source.rows()
            if rows:
                await self._hand_over(source, rows)
            self._become(State.READING)
            if len(rows) < self._settings.max_batch:
                await source.news(self._settings.poll_interval_s)

    async def _hand_over(self, source: Source, rows: Sequence[Row]) -> None:
        """Wherever this ends, a row is in the application's table, or in our outbox, or in both and seen next time."""
        outcomes = await self._take([offer_of(row) for row in rows])
        for fate, number in Counter(outcome.fate for outcome in outcomes).items():
            count(f"intake {fate}", self.name, by=number)
        refused = {
            row.id: outcome.reason for row, outcome in zip(rows, outcomes, strict=True) if outcome.fate is Fate.REFUSED
        }
        await source.settle([row.id for row in rows if row.id not in refused], refused)
        if refused and (times := self._seldom.due("refused")):
            log.warning("intake refuses rows: the column refused says why", source=self.name, times=times)

    def _become(self, state: State, **why: str) -> None:
        """One line for each change; what works, works from the beginning again."""
        if state is not State.AWAY:
            self._failures = 0
        if state is self.state:
            return
        self.state = state
        tell = log.warning if state is State.AWAY else log.info
        tell(f"intake {state}", source=self.name, **why)
