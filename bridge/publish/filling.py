"""Keeps the pool of ready topics full, behind every campaign that needs a topic now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bridge.config_sections import Topics
from bridge.database import Database
from bridge.errors import Unavailable
from bridge.log import get_logger
from bridge.publish.makers import FAILURES, Makers
from bridge.publish.pool import Pool
from topics.creator import TopicSource

log = get_logger(__name__)

LOOK_S = 1.0
"""Between two looks whether something was taken."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What the pool is filled with; what is ready and what was begun is in the database."""

    settings: Topics
    database: Database
    pool: Pool
    source: TopicSource
    makers: Makers
    retry_s: float

    async def run(self) -> None:
        """Finish what was begun, and fill up to `pool_size`, again and again until cancelled."""
        if unusable := await self.database.read(self.pool.unusable):
            log.warning(
                "ready topics stay unused: they were made by other terms",
                topics=unusable,
                hint="they serve again when memo, renewal, admin key and operator key are what they were",
            )
        while True:
            failure = await self._fill()
            if failure is not None:
                log.warning("pool of topics not filled; nothing is lost", reason=str(failure))
            await asyncio.sleep(LOOK_S if failure is None else self.retry_s)

    async def _fill(self) -> Exception | None:
        """One round, as many at a time as may be; what went wrong first."""
        try:
            due = await self.database.read(lambda c: self.pool.due(c, size=self.settings.pool_size))
        except Unavailable as failure:
            return failure
        ends = await asyncio.gather(*(self._make(number) for number in due[: self.settings.max_creations]))
        return next((end for end in ends if end is not None), None)

    async def _make(self, number: int) -> Exception | None:
        await self.makers.spare()
        try:
            await self.source.create(str(number))
        except FAILURES as failure:
            return failure
        return None
