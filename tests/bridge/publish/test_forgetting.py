"""Idempotency keys are kept as long as promised, and no longer."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from bridge.config_sections import Database as Section
from bridge.database import Database
from bridge.migrations import upgrade
from bridge.publish import idempotency
from bridge.publish.forgetting import forget_keys
from bridge.publish.idempotency import Answer
from bridge.supervise import Loop, supervised

HOUR_MS = 3_600_000
OLD, YOUNG = ("backend", "old"), ("backend", "young")


async def test_old_keys_go_and_young_ones_stay(tmp_path: Path) -> None:
    database = Database(Section(url=f"sqlite:///{tmp_path / 'x.db'}"))
    upgrade(database.engine)
    now_ms = 100 * HOUR_MS
    with database.engine.begin() as connection:
        old, young = (Answer(bytes(32), (bytes(16),), now_ms - hours * HOUR_MS) for hours in (25, 23))
        idempotency.keep(connection, [(OLD, old), (YOUNG, young)])
    loops: dict[str, Loop] = {
        "database": database.run,
        "forgetting": partial(forget_keys, database, keep_h=24, now_ms=lambda: now_ms),
    }
    async with supervised(loops), asyncio.timeout(10):
        while OLD in await database.read(lambda c: idempotency.earlier(c, [OLD])):
            pass
        assert await database.read(lambda c: idempotency.earlier(c, [OLD, YOUNG])) == {YOUNG: young}
    await database.close()
