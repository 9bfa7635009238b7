"""How much room the HTTP door has: for requests, for idle connections, and in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bridge.errors import AddressUnusable
from bridge.gateway.settings import HttpSettings
from bridge.gateway.site import Site
from tests.bridge.gateway.api_fixture import running
from tests.bridge.gateway.raw_socket import nothing_left, raw

POST = b"POST /v1/campaigns HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


async def healthy(port: int) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/healthz") as response:
        return response.status


@contextlib.asynccontextmanager
async def busy(**changes: float) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A site whose one request is under way until the event is set."""
    site, entered, ended = Site(HttpSettings(**{"port": 0, **changes})), asyncio.Event(), asyncio.Event()  # type: ignore[arg-type]

    async def wait(request: web.Request) -> web.Response:
        with site.room(request):
            entered.set()
            await ended.wait()
        return web.Response()

    application = web.Application()
    application.router.add_get("/healthz", wait)
    await site.start(application, None)
    async with raw(site.port) as first:
        first.send(GET)
        await entered.wait()
        yield site.port, ended
        ended.set()
    await site.stop()


async def test_requests_under_way_are_limited_and_idle_connections_take_no_room_of_theirs() -> None:
    async with running(max_connections=2) as api, contextlib.AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(raw(api.server.port)) for _ in range(4)]
        assert [await socket.rest() for socket in idle[:2]] == [b"", b""]
        assert await healthy(api.server.port) == 200
        key = api.session.headers["Authorization"].removeprefix("Bearer ").encode()
        for _ in range(2):
            socket = await stack.enter_async_context(raw(api.server.port))
            socket.send(POST % key)  # and never the rest of it
        async with asyncio.timeout(10):
            while await healthy(api.server.port) != 503:
                pass


async def test_a_busy_connection_is_not_idle() -> None:
    async with busy(max_connections=1) as (port, _), raw(port) as second, raw(port) as third:
        assert await second.rest() == b""
        assert not third.over


@pytest.mark.parametrize("head", [b"", b"GET /healthz HTTP/1.1\r\nX: ", GET], ids=["nothing", "half a head", "idle"])
async def test_who_takes_too_long_for_a_head_is_hung_up_on(head: bytes) -> None:
    async with running(idle_timeout_s=0.2) as api, nothing_left(), raw(api.server.port) as socket:
        socket.send(head)
        if head.endswith(b": "):
            await socket.slowly(b"x" * 30, pause_s=0.02)
        assert (await socket.rest()).startswith(b"HTTP/1.1 200 " if head == GET else b"")


async def test_strangers_nonsense_is_answered_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as api, nothing_left():
        for head in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nAuthorization: Bearer secret\x00\r\n\r\n"):
            async with raw(api.server.port) as socket:
                socket.send(head)
                assert (await socket.rest()).startswith(b"HTTP/1.0 400 ")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_taken_port_is_named() -> None:
    async with running() as api:
        site = Site(HttpSettings(port=api.server.port))
        with pytest.raises(AddressUnusable, match="in use"):
            await site.start(web.Application(), None)
        assert not site.started
