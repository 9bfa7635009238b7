"""A door and a gateway that answer as they are told, on real sockets: for what a healthy daemon never does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from websockets.asyncio.server import ServerConnection, serve

Request = tuple[dict[str, str], bytes]
Answer = tuple[int, Any, dict[str, str]]


class ScriptedDoor:
    """Answers with what `answer` makes of the request; remembers all requests."""

    def __init__(self, answer: Callable[[list[Request]], Answer]) -> None:
        self.requests: list[Request] = []
        self._answer = answer

    async def handle(self, request: web.Request) -> web.Response:
        """aiohttp's handler."""
        self.requests.append((dict(request.headers), await request.read()))
        status, body, headers = self._answer(self.requests)
        return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def listening(door: ScriptedDoor) -> AsyncIterator[str]:
    """The door's URL."""
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", door.handle)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()


class ScriptedGateway:
    """Accepts any token; answers subscribe with `reply`, then pushes `publications`. Remembers what was asked."""

    def __init__(self, reply: dict[str, Any], publications: list[dict[str, Any]]) -> None:
        self.subscribes: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self._reply = reply
        self._publications = publications

    async def handle(self, socket: ServerConnection) -> None:
        """websockets' handler."""
        async for frame in socket:
            for line in str(frame).splitlines():
                for reply in self._replies(json.loads(line)):
                    await socket.send(json.dumps(reply))

    def _replies(self, command: dict[str, Any]) -> list[dict[str, Any]]:
        match command:
            case {"id": number, "connect": connect}:
                self.tokens.append(connect["token"])
                return [{"id": number, "connect": {"client": "c", "version": "1", "ping": 25, "pong": True}}]
            case {"id": number, "subscribe": subscribe}:
                self.subscribes.append(subscribe)
                pushes = [
                    {"push": {"channel": subscribe["channel"], "pub": {"data": data, "offset": n}}}
                    for n, data in enumerate(self._publications, 1)
                ]
                return [{"id": number, **self._reply}, *pushes]
            case _:
                return []


@asynccontextmanager
async def gateway_listening(gateway: ScriptedGateway) -> AsyncIterator[str]:
    """The gateway's URL."""
    async with serve(gateway.handle, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/connection/websocket"
