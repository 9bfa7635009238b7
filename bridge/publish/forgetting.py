"""Forgets idempotency keys that are older than senders were promised."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.database import Database
from bridge.errors import Unavailable
from bridge.log import get_logger
from bridge.publish import idempotency

log = get_logger(__name__)

EVERY_S = 600.0


async def forget_keys(database: Database, *, keep_h: int, now_ms: Callable[[], int]) -> None:
    """Go on until cancelled. What can't be deleted now is deleted later."""
    while True:
        before_ms = now_ms() - keep_h * 3_600_000
        try:
            await database.write(lambda c: idempotency.forget(c, before_ms=before_ms))  # noqa: B023 # awaited here
        except Unavailable as error:
            log.warning("idempotency keys not forgotten", reason=str(error))
        await asyncio.sleep(EVERY_S)
