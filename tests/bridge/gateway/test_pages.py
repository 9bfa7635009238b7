"""The page's files, and nothing beside them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
from aiohttp import web

from bridge.gateway.pages import Pages, page_headers
from bridge.protocol.values import JSON


@contextlib.asynccontextmanager
async def served(directory: Path, data: Callable[[], JSON] | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    (directory / "index.html").write_text("<h1>live</h1>")
    (directory / "live.js").write_text("1")
    (directory / "console").mkdir()
    (directory / "console" / "index.html").write_text("<h1>console</h1>")
    (directory / "console" / "main.js").write_text("3")
    (directory / "client" / "dist").mkdir(parents=True)
    (directory / "client" / "package.json").write_text("{}")
    (directory / "client" / "dist" / "hcs-bridge.js").write_text("2")
    application = web.Application()
    Pages(directory, data).add_to(application.router)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
        yield session
    await runner.cleanup()


async def test_the_page_and_its_data(tmp_path: Path) -> None:
    async with served(tmp_path, lambda: {"gateway": "ws://x"}) as session:
        for path in ("/", "/web/"):
            async with session.get(path) as response:
                assert await response.text() == "<h1>live</h1>"
        answers = {
            "/web/live.js": 200,
            "/web/nothing.js": 404,
            "/web/client/hcs-bridge.js": 200,
            "/web/client/package.json": 404,
            "/web/client/dist/hcs-bridge.js": 404,
        }
        for path, status in answers.items():
            async with session.get(path) as response:
                assert response.status == status, path
        async with session.get("/web/client/hcs-bridge.js") as response:
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "javascript" in response.headers["Content-Type"]
        async with session.get("/web/demo.json") as response:
            assert await response.json() == {"gateway": "ws://x"}


async def test_without_data_there_is_none(tmp_path: Path) -> None:
    async with served(tmp_path) as session, session.get("/web/demo.json") as response:
        assert response.status == 404


async def test_the_console_has_a_stricter_policy(tmp_path: Path) -> None:
    async with served(tmp_path) as session:
        for path, text in {"/web/console": "<h1>console</h1>", "/web/console/main.js": "3"}.items():
            async with session.get(path) as response:
                assert await response.text() == text
    policies = {path: page_headers(path)["Content-Security-Policy"] for path in ("/web/", "/web/console/main.js")}
    assert all("default-src 'self'" in policy and "unsafe" not in policy for policy in policies.values())
    assert ("connect-src" in policies["/web/"], "connect-src" in policies["/web/console/main.js"]) == (True, False)
    assert "form-action 'none'" in policies["/web/console/main.js"]
