"""How everyone leaves when the daemon stops, by whichever door they came."""

from __future__ import annotations

import asyncio
import time

from bridge.protocol.realtime import codes
from tests.bridge.gateway.streams_fixture import DEADLINE_S, event, streaming
from tests.bridge.gateway.wire_client import WireClient

CHANNEL = "campaign:1"


async def test_streams_and_sockets_leave_in_one_spread() -> None:
    """Twice as many clients take no longer, and who came by which door makes no difference."""
    async with streaming(drain_timeout_s=0.6) as made:
        left: list[tuple[str, float]] = []
        began = asyncio.Event()

        async def stream() -> None:
            async with made.events(CHANNEL, made.gateway.token()) as response:
                while "disconnect" not in (await event(response)).values():
                    began.set()
                left.append(("stream", time.monotonic()))

        async def listen() -> None:
            async with WireClient(made.gateway.url) as client:
                await client.ask(connect={"token": made.gateway.token()})
                began.set()
                assert await client.closed() == codes.SHUTDOWN.code
                left.append(("socket", time.monotonic()))

        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as clients:
            for client in [stream, listen] * 4:
                began.clear()
                clients.create_task(client())
                await began.wait()
            start = time.monotonic()
            await made.api.stop()
        kinds = [kind for kind, _ in left]
        assert set(kinds[:4]) == set(kinds[4:]) == {"stream", "socket"}
        assert 0.5 * 0.6 < left[-1][1] - start < 2 * 0.6
