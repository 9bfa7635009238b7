"""A small, true implementation of the history port in memory, and a channel's writer: commit, then hand on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from bridge.errors import Unavailable
from bridge.gateway.hub import Hub
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.values import JSON

EPOCH = "0.0.1001-abcdef"


class MemoryHistory:
    """Keeps publications in lists; lets others run before each answer. Where `down`, it is Unavailable."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Publication]] = {}
        self.floors: dict[str, int] = {}
        self.opened: dict[str, list[JSON]] = {}
        self.epoch = EPOCH
        self.down = False

    def keep(self, channel: str, offset: int, data: bytes) -> None:
        self.rows.setdefault(channel, []).append(Publication(offset, data))

    async def top(self, channel: str) -> StreamPosition:
        await self._work()
        rows = self.rows.get(channel, [])
        return StreamPosition(rows[-1].offset if rows else 0, self.epoch, self.floors.get(channel, 0))

    async def read(self, channel: str, *, since: int, limit: int, reverse: bool = False) -> list[Publication]:
        await self._work()
        rows = self.rows.get(channel, [])
        if reverse:
            return [row for row in reversed(rows) if row.offset < since][:limit]
        return [row for row in rows if row.offset > since][:limit]

    async def open_ids(self, channel: str) -> Mapping[str, JSON]:
        await self._work()
        return {"open": list(self.opened.get(channel, [])), "rejected": []}

    async def _work(self) -> None:
        if self.down:
            raise Unavailable("history", "it is down")
        await asyncio.sleep(0)


class Publisher:
    """Commits, then publishes, as the inbound corridor does."""

    def __init__(self, hub: Hub, history: MemoryHistory) -> None:
        self._hub = hub
        self._history = history

    def confirm(self, channel: str, offset: int, **content: JSON) -> None:
        data = json.dumps({"event": "X", "data": content, "meta": {"phase": "confirmed"}}).encode()
        self._history.keep(channel, offset, data)
        self._hub.publish(channel, data, offset=offset)

    def provisional(self, channel: str, **content: JSON) -> None:
        data = json.dumps({"event": "X", "data": content, "meta": {"phase": "provisional"}}).encode()
        self._hub.publish(channel, data, offset=None)
