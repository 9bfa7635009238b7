"""The connections to one mirror's gRPC side, so many subscriptions on each and no more."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from topics.errors import Unavailable
from topics.mirror.host import Host
from topics.mirror.settings import StreamSettings
from topics.mirror.subscription import Connection, StreamAddress


class PoolFull(Unavailable):
    """As many subscriptions as are allowed are open: this topic is for REST."""


class Pool:
    """Opens a connection when those there are full, and closes one that carries nothing any more."""

    def __init__(
        self,
        address: StreamAddress,
        settings: StreamSettings,
        host: Host,
        *,
        connect: Callable[[StreamAddress, StreamSettings], Connection] = Connection,
    ) -> None:
        self.host = host
        self._address = address
        self._settings = settings
        self._connect = connect
        self._open: list[Connection] = []

    def __str__(self) -> str:
        return str(self._address)

    @property
    def calls(self) -> Sequence[int]:
        """How many subscriptions each connection carries."""
        return [connection.calls for connection in self._open]

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Connection]:
        """A connection with room for one subscription, which is kept for the block. Raises PoolFull."""
        connection = self._with_room()
        connection.calls += 1
        try:
            yield connection
        finally:
            connection.calls -= 1
            if not connection.calls:
                await self.retire(connection)

    async def retire(self, connection: Connection) -> None:
        """Close it, with all that is on it: others who subscribed there subscribe again, elsewhere."""
        if connection in self._open:
            self._open.remove(connection)
            await connection.close()

    async def close(self) -> None:
        """Close all."""
        while self._open:
            await self.retire(self._open[-1])

    def back_in_s(self) -> float:
        """For how long the mirror is left alone still."""
        return max(self.host.ready_at - time.monotonic(), 0.0)

    def _with_room(self) -> Connection:
        for connection in self._open:
            if connection.calls < self._settings.calls_per_connection:
                return connection
        if len(self._open) >= self._settings.max_connections:
            many = self._settings.max_connections * self._settings.calls_per_connection
            raise PoolFull(str(self._address), f"all {many} subscriptions are in use")
        connection = self._connect(self._address, self._settings)
        self._open.append(connection)
        return connection
