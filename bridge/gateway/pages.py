"""The live page, served below /web/ beside the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from bridge.protocol.values import JSON

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """A directory with an index.html. `data`, where given, makes what the page reads as demo.json."""

    directory: Path
    data: Callable[[], JSON] | None = None

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Put them among the door's routes."""
        router.add_get("/", self._to_page)
        router.add_get("/web/", self._index)
        router.add_get("/web/demo.json", self._demo)
        router.add_static("/web/", self.directory)

    async def _to_page(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/web/")

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(self.directory / "index.html")

    async def _demo(self, _: web.Request) -> web.Response:
        if self.data is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=msgspec.json.encode(self.data()), content_type="application/json", headers=headers)
