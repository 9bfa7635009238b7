"""The port through which the gateway reads what channels have published, and what is still open in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.realtime.steps import HistoryRead, ReadHistory
from bridge.protocol.values import JSON


class History(Protocol):
    """Reads committed publications only. Raises `bridge.errors.Unavailable` where it can't be read just now.

    A publication is committed before it goes to the hub, so that whoever registers with the hub first and reads the
    top then misses nothing.
    """

    async def top(self, channel: str) -> StreamPosition:
        """Where the channel ends now; offset 0 where nothing was published yet."""

    async def read(self, channel: str, *, since: int, limit: int, reverse: bool = False) -> list[Publication]:
        """At most `limit` publications with offset > since, ascending; reverse: offset < since, descending."""

    async def open_ids(self, channel: str) -> Mapping[str, JSON]:
        """`{"open": [id …], "rejected": [{"id", "reason"} …]}`: what was accepted and is not confirmed yet, and what
        lately won't be; the subscribe reply carries it, so that a client drops provisionals nobody will confirm.
        """


async def read_page(history: History, asked: ReadHistory) -> HistoryRead:
    """The publications that are asked for, none of them beyond the top that is told with them. Raises as `history`."""
    top = await history.top(asked.channel)
    if asked.limit == 0:
        return HistoryRead(top, ())
    beyond = top.offset + 1
    since = (beyond if asked.reverse else 0) if asked.since is None else min(asked.since, beyond)
    rows = await history.read(asked.channel, since=since, limit=asked.limit, reverse=asked.reverse)
    return HistoryRead(top, tuple(row for row in rows if row.offset <= top.offset))
