"""Tells gateways of publications over the bus, in the place of the daemon that would have read them from the ledger.

`python -m benchmarks._bus`, orders on standard input, the configuration in the environment.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any

from benchmarks._children import obey
from benchmarks._speakers import CHANNEL, FIRST_OFFSET
from bridge.bus.port import News, Published
from bridge.bus.redis import RedisBus
from bridge.config import load
from bridge.gateway.websocket import text_frame
from bridge.log import set_up
from bridge.protocol.realtime.replies import publication_push


def _deaf(_news: Sequence[News]) -> None:
    """What others tell is not for us."""


async def tell() -> None:
    """Until standard input ends."""
    config = load(None, os.environ)
    set_up(config.log)  # to stderr
    bus = RedisBus(config.bus, network=config.network.name, node=config.daemon.number)
    offset, before = FIRST_OFFSET, 0
    talking = asyncio.create_task(bus.run(_deaf))
    while not bus.healthy:  # noqa: ASYNC110 # it tells nobody
        await asyncio.sleep(0.01)

    async def work(order: dict[str, Any]) -> dict[str, Any]:
        nonlocal offset, before
        data, told_ns = order["data"].encode(), list[int]()
        for _ in range(order["rounds"]):
            told_ns.append(time.monotonic_ns())
            offset += 1
            bus.publish([Published(CHANNEL, offset, before, data)])
            before = offset
            await asyncio.sleep(order["pause_s"])
        frame = text_frame(publication_push(CHANNEL, data, offset=offset))
        return {"frame_bytes": len(frame), "published_ns": told_ns}

    await obey(work)
    talking.cancel()
    await asyncio.wait([talking])


if __name__ == "__main__":
    asyncio.run(tell())
