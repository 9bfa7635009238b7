"""A client of the plain socket as anybody would write it, which keeps each channel's last place; and a gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.bridge.gateway.gateway_fixture import Running, running_gateway

DEADLINE_S = 10


class PlainClient:
    """Use as an async context manager. `url` is the gateway's, without a path."""

    def __init__(self, url: str, token: str = "", *, since: str = "", **options: Any) -> None:
        query = f"access_token={token}&since={since}" if token else f"since={since}"
        self._connecting = connect(f"{url}/ws?{query}", proxy=None, ping_interval=None, **options)
        self.places: dict[str, str] = {}
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await self._connecting
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.transport.abort()

    @property
    def since(self) -> str:
        """Where to go on from, next time."""
        return ",".join(self.places.values())

    async def hear(self) -> Any:
        """The next message."""
        message = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE_S))
        if "place" in message["meta"]:
            self.places[message["meta"]["channel"]] = message["meta"]["place"]
        return message

    async def begin(self, count: int) -> list[str]:
        """The channels that it is subscribed to."""
        told = [await self.hear() for _ in range(count)]
        assert [each["event"] for each in told] == ["SUBSCRIBED"] * count
        return [each["meta"]["channel"] for each in told]

    async def closed(self) -> tuple[int, str]:
        """The code and the reason that the server closes with."""
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), DEADLINE_S)
        except ConnectionClosed:
            return self.socket.close_code or 0, self.socket.close_reason or ""


@contextlib.asynccontextmanager
async def plain_gateway(**changes: Any) -> AsyncIterator[tuple[Running, str]]:
    """A gateway that has the plain socket, and its URL without a path."""
    async with running_gateway(**{"plain_socket": True, **changes}) as gateway:
        yield gateway, f"ws://127.0.0.1:{gateway.server.port}"
