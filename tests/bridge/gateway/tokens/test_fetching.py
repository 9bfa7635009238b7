"""Fetching key sets from servers that answer, don't, answer too much, or point elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bridge.errors import Unavailable
from bridge.gateway.tokens.fetching import fetch_keys


@contextlib.asynccontextmanager
async def http_server(answer: Any) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    await runner.cleanup()


async def fetch(url: str, *, password: str = "", timeout_s: float = 5) -> bytes:
    return await fetch_keys(url, password=password, timeout_s=timeout_s, max_bytes=1000)


async def test_http() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path_qs:
            case "/jwks.json":
                return web.Response(body=b"x" * 1000)
            case "/elsewhere":
                raise web.HTTPFound("/jwks.json")
            case "/long":
                response = web.StreamResponse()
                await response.prepare(request)
                with contextlib.suppress(ConnectionError):
                    while True:
                        await response.write(b"x" * 10_000)
                return response
            case "/never":
                await asyncio.sleep(60)
        raise web.HTTPInternalServerError

    async with http_server(answer) as url:
        assert await fetch(url) == b"x" * 1000
        place = url.removesuffix("/jwks.json")
        for path, says in (("/elsewhere", "answers 302"), ("/long", "longer than 1000"), ("/broken", "answers 500")):
            with pytest.raises(Unavailable, match=says):
                await fetch(place + path)
        with pytest.raises(Unavailable, match=r"no answer within 0\.05 s"):
            await fetch(f"{place}/never", timeout_s=0.05)
    with pytest.raises(Unavailable, match="can't be reached"):
        await fetch(url)
