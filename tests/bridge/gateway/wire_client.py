"""A bare WebSocket client for tests: sends text as it is, reads replies apart."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

DEADLINE_S = 10


class WireClient:
    """Use as an async context manager. `say` sends a command and returns its id."""

    def __init__(self, url: str, **options: Any) -> None:
        self._connecting = connect(url, proxy=None, ping_interval=None, **options)
        self._waiting: deque[Any] = deque()
        self._last = 0
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        self.socket = await self._connecting
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.transport.abort()

    async def say(self, **methods: Any) -> int:
        self._last += 1
        await self.socket.send(json.dumps({"id": self._last, **methods}))
        return self._last

    async def hear(self) -> Any:
        """The next reply or push."""
        while not self._waiting:
            frame = await asyncio.wait_for(self.socket.recv(), DEADLINE_S)
            self._waiting += [json.loads(line) for line in frame.splitlines()]
        return self._waiting.popleft()

    async def ask(self, **methods: Any) -> Any:
        """The reply to a command; pushes in between are kept for `hear`."""
        number, kept = await self.say(**methods), []
        while (message := await self.hear()).get("id") != number:
            kept.append(message)
        self._waiting.extendleft(reversed(kept))
        return message

    async def closed(self) -> int:
        """The code that the server closes with."""
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), DEADLINE_S)
        except ConnectionClosed:
            return self.socket.close_code or 0


async def confirmed(url: str, token: str, channel: str, count: int) -> list[dict[str, Any]]:
    """The data of the first `count` confirmed publications of a channel, from its beginning, awaited where needed."""
    async with WireClient(url) as client:
        await client.ask(connect={"token": token})
        reply = await client.ask(subscribe={"channel": channel, "recover": True, "offset": 0, "epoch": ""})
        found = [publication["data"] for publication in reply["subscribe"].get("publications", [])]
        while len(found) < count:
            data = (await client.hear())["push"]["pub"]["data"]
            found += [data] * (data["meta"]["phase"] == "confirmed")
    return found
