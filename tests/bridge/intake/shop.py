"""An application that writes its changes into a stream of its Redis, and readers of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

from redis.asyncio import Redis

from bridge.intake import stream
from bridge.intake.reader import Reader, State
from bridge.intake.settings import StreamSettings
from bridge.supervise import supervised
from tests.bridge.intake.application import STEPS, Bridge
from tests.bridge.publish.killing import Axe
from tests.rooms import until

STREAM = "changes"
REFUSED = "changes:hcs-bridge:refused"


class Shop:
    """An application that writes its changes into a stream."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.redis: Any = Redis.from_url(url, decode_responses=True, encoding_errors="replace")

    async def write(self, *messages: str, campaign: str = "1", **fields: str) -> list[str]:
        """A campaign's last words; the entries' ids."""
        return [
            await self.redis.xadd(
                STREAM,
                {
                    "event": "CAMPAIGN_CLOSED",
                    "campaignId": campaign,
                    "owner": "77",
                    "payload": json.dumps({"message": message}),
                    **fields,
                },
            )
            for message in messages
        ]

    async def waits(self) -> int:
        """Entries that are not acknowledged, or not even read."""
        [group] = await self.redis.xinfo_groups(STREAM)
        return int(group["pending"]) + int(group["lag"] or 0)

    async def is_done(self) -> bool:
        """Whether all are."""
        return await self.waits() == 0

    async def refused(self) -> list[dict[str, str]]:
        """What was put aside."""
        return [fields for _, fields in await self.redis.xrange(REFUSED)]


def settings(url: str, **keys: Any) -> StreamSettings:
    """Of a reader that loses no time."""
    quick = {"poll_interval_s": 0.05, "reconnect_max_s": 0.1, "timeout_s": 1.0, "lock_s": 1.0}
    return StreamSettings("shop", url, stream=STREAM, **(quick | keys))


def reading(shop: Shop, bridge: Bridge, **keys: Any) -> Reader:
    """A reader that has not begun."""
    own = settings(shop.url, **keys)
    return Reader(own, partial(bridge.backend.take, source="shop"), partial(stream.opened, own))


def reading_under(shop: Shop, bridge: Bridge, axe: Axe) -> Reader:
    """One that ends at one of its steps, and leaves the lock as a killed one does."""
    own = settings(shop.url, lock_s=0.2)

    @asynccontextmanager
    async def under() -> AsyncIterator[Any]:
        async with stream.opened(own) as source:
            yield SimpleNamespace(**{name: axe.around(getattr(source, name)) for name in STEPS})

    return Reader(own, axe.around(partial(bridge.backend.take, source="shop")), under)


async def run_out(shop: Shop, *readers: Reader) -> None:
    """Until every entry is acknowledged."""
    async with supervised({f"reader {number}": reader.run for number, reader in enumerate(readers)}):
        await until(lambda: all(reader.state is not State.STARTING for reader in readers))
        await until(shop.is_done)
