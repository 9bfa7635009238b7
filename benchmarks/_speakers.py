"""What sends in the fan-out benchmark: our gateway, a bare `send()`, and `websockets.broadcast`, each in its process.

`python -m benchmarks._speakers NAME`, orders on standard input. All send the same frames, in rounds of so many
publications in one turn of the loop, with a pause behind each in which the clients read. (npm `ws`: `_speaker.mjs`.)
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks._children import obey
from bridge.config import load
from bridge.gateway.hub import Hub
from bridge.gateway.presence import Presence
from bridge.gateway.server import GatewayServer
from bridge.gateway.settings import GatewaySettings
from bridge.gateway.shared import Rooms
from bridge.gateway.websocket import text_frame
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.protocol.realtime.replies import publication_push
from bridge.protocol.values import JSON
from bridge.room_settings import authenticator, section_as
from bridge.storage import now_ms, steady_ms

CHANNEL, BESIDE = "campaign:1", "campaign:2"
HOST = "127.0.0.1"
FIRST_OFFSET = 1_000_000  # so that all frames are of one length

Publish = Callable[[int, bytes, str], None]
"""Sends one publication: its offset, its data, its channel."""


class NoHistory:
    """Channels in which nothing was published yet (port: bridge.gateway.history.History)."""

    async def top(self, channel: str) -> StreamPosition:
        return StreamPosition(0, "benchmark")

    async def read(self, channel: str, *, since: int, limit: int, reverse: bool = False) -> list[Publication]:
        return []

    async def open_ids(self, channel: str) -> Mapping[str, JSON]:
        return {}


@asynccontextmanager
async def gateway() -> AsyncIterator[tuple[int, Publish]]:
    """The real one, by the configuration in the environment; clients connect and subscribe."""

    async def owner_of(campaign: str) -> str | None:
        return None

    config, hub = load(None, os.environ), Hub()
    presence = Presence(max_clients=config.gateway.presence_max_clients)
    rooms = Rooms(hub, presence, NoHistory(), authenticator(config), owner_of, now_ms, steady_ms)
    server = GatewayServer(section_as(GatewaySettings, config.gateway, port=0), rooms)
    await server.start()
    yield server.port, lambda offset, data, channel: void(hub.publish(channel, data, offset=offset))


@asynccontextmanager
async def floor() -> AsyncIterator[tuple[int, Publish]]:
    """The kernel's share: one `send()` of the frame to each client."""
    loop, sockets = asyncio.get_running_loop(), list[socket.socket]()
    listener = socket.create_server((HOST, 0), backlog=1000)
    listener.setblocking(False)

    async def accept() -> None:
        while True:
            client, _ = await loop.sock_accept(listener)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_recv(client, 4096)  # the handshake comes in one piece here
            client.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            sockets.append(client)

    def publish(offset: int, data: bytes, channel: str) -> None:
        frame = text_frame(publication_push(channel, data, offset=offset))
        for client in sockets:
            client.send(frame)

    accepting = asyncio.create_task(accept())
    yield listener.getsockname()[1], publish
    accepting.cancel()


@asynccontextmanager
async def broadcasting() -> AsyncIterator[tuple[int, Publish]]:
    """`websockets.broadcast`, without compression and pings, as ours."""
    connections = set[ServerConnection]()

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        await connection.wait_closed()

    server = await serve(handle, HOST, 0, compression=None, ping_interval=None)
    port = next(iter(server.sockets)).getsockname()[1]

    def publish(offset: int, data: bytes, channel: str) -> None:
        broadcast(connections, publication_push(channel, data, offset=offset), text=True)

    yield port, publish


def void(_: object) -> None:
    """A publisher returns nothing."""


async def speak(name: str) -> None:
    """Until standard input ends."""
    kinds = {"gateway": gateway, "floor": floor, "broadcast": broadcasting}
    offset = FIRST_OFFSET
    async with kinds[name]() as (port, publish):

        async def work(order: dict[str, Any]) -> dict[str, Any]:
            nonlocal offset
            if "rounds" not in order:
                gc.collect()
                gc.freeze()  # as the daemon does when it is up
                return {"port": port}
            data, beside = order["data"].encode(), order.get("beside", "").encode()
            published_ns, turn_cpu_us = list[int](), list[float]()
            for _ in range(order["rounds"]):
                published_ns.append(time.monotonic_ns())
                before_s = time.process_time()
                for _ in range(order["burst"]):
                    offset += 1
                    publish(offset, data, CHANNEL)
                if beside:
                    publish(offset, beside, BESIDE)
                await asyncio.sleep(0)  # the turn's end, where the gateway writes
                turn_cpu_us.append((time.process_time() - before_s) * 1e6)
                await asyncio.sleep(order["pause_s"])
            frame = text_frame(publication_push(CHANNEL, data, offset=offset))
            return {"frame_bytes": len(frame), "published_ns": published_ns, "turn_cpu_us": turn_cpu_us}

        await obey(work)
    os._exit(0)  # thousands of sockets needn't be closed one by one


if __name__ == "__main__":
    asyncio.run(speak(sys.argv[1]))
