"""The port through which the gateway reads what channels have published, and what is still open in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bridge.protocol.realtime.recovery import Publication, StreamPosition
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
