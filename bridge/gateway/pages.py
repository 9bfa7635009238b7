"""The live page, the console and the browser client, served below /web/ beside the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from bridge.protocol.values import JSON

CLIENT = "hcs-bridge.js"
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# Where an operator's key is typed in, nothing leaves but to this door, and no form is sent by itself.
CONSOLE_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


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
        router.add_get("/web/console", self._to_console)
        router.add_get("/web/console/", self._console)
        router.add_get(f"/web/client/{CLIENT}", self._client)
        router.add_static("/web/client/", self.directory / "client" / "dist")  # not its sources, nor what builds it
        router.add_static("/web/", self.directory)

    async def _to_page(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/web/")

    async def _index(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(self.directory / "index.html")

    async def _client(self, _: web.Request) -> web.FileResponse:
        """Any page may import it: there is nothing in it that isn't public, and it acts for the page alone."""
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
        return web.FileResponse(self.directory / "client" / "dist" / CLIENT, headers=headers)

    async def _to_console(self, _: web.Request) -> web.Response:
        raise web.HTTPFound("/web/console/")

    async def _console(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(self.directory / "console" / "index.html")

    async def _demo(self, _: web.Request) -> web.Response:
        if self.data is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-store"}
        return web.Response(body=msgspec.json.encode(self.data()), content_type="application/json", headers=headers)


def page_headers(path: str) -> dict[str, str]:
    """What goes with an answer below /web/."""
    own = {"Content-Security-Policy": CONSOLE_POLICY} if path.startswith("/web/console/") else {}
    return PAGE_HEADERS | own
