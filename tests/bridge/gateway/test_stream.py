"""A response that goes on, in front of a bare aiohttp server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

from bridge.gateway.stream import Stream
from bridge.protocol.realtime import codes
from tests.bridge.gateway.gateway_fixture import until


def line(payload: bytes) -> bytes:
    return payload + b"\n"


@asynccontextmanager
async def served(stream: Stream) -> AsyncIterator[int]:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await stream.carry(request, web.StreamResponse())

    application = web.Application()
    application.router.add_get("/", handle)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_what_was_written_before_and_after_it_began_comes_in_order_and_then_why_it_ended() -> None:
    stream = Stream(line, close_timeout_s=1)
    stream.write(b"before\n")
    assert stream.queued_bytes() == 7
    await stream.drained()
    async with served(stream) as port, ClientSession() as session, session.get(f"http://127.0.0.1:{port}") as response:
        assert await response.content.readline() == b"before\n"
        stream.write(b"after\n")
        await stream.drained()
        stream.hang_up(codes.SHUTDOWN)
        assert await response.content.readline() == b"after\n"
        assert b'"code":3001' in await response.content.read()
        assert stream.code == codes.SHUTDOWN


async def test_who_reads_nothing_is_waited_for_and_cut_off_at_the_end() -> None:
    stream = Stream(line, close_timeout_s=0.1)
    async with served(stream) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        stream.write(b"x" * 30_000_000)
        await until(lambda: 0 < stream.queued_bytes() < 30_000_000)  # the kernel has some of it
        waiting = asyncio.create_task(stream.drained())
        await asyncio.sleep(0)
        assert not waiting.done()
        stream.hang_up(codes.SLOW)
        await asyncio.wait_for(waiting, 10)
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
