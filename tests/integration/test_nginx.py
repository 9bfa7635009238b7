"""deploy/nginx.conf on Debian's nginx: WebSocket, streams as they come, a path prefix, and whose connection it is."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from bridge.app import running
from bridge.demo.setting import free_port
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import START_S, World, world

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
SHIPPED = Path(__file__).parents[2] / "deploy/nginx.conf"
STATUS = {"event": "CAMPAIGN_STATUS_UPDATE", "payload": {"campaignId": "1234", "newStatus": "ApprovalPending"}}
# Without TLS, on a port of our own; all else as shipped.
AROUND = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {shipped}
}}
"""

pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx: install Debian's package nginx-light")


@asynccontextmanager
async def proxied(made: World, *, port: int = 0, beside: str = "", shipped: str = "") -> AsyncIterator[str]:
    """nginx before both doors; its host and port. `beside` is what else the API's server has, `shipped` what to take
    for deploy/nginx.conf.
    """
    port, config = free_port(port), made.config
    shipped = re.sub(r"\n\s*ssl_\w+ [^;]*;", "", shipped or SHIPPED.read_text())
    shipped = shipped.replace("443 ssl", f"127.0.0.1:{port}")
    shipped = shipped[: shipped.rindex("}")] + beside + "}"
    shipped = shipped.replace(":8781", f":{config.gateway.port}").replace(":8780", f":{config.http.port}")
    file = made.folder / "nginx.conf"
    file.write_text(AROUND.format(folder=made.folder, shipped=shipped))
    process = await asyncio.create_subprocess_exec(
        str(NGINX), "-p", made.folder, "-e", made.folder / "nginx.log", "-c", file, stderr=subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(START_S):
            while not await listens(port):
                assert process.returncode is None, (made.folder / "nginx.log").read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(0.01)
        return False
    writer.close()
    return True


async def test_a_prefix_on_the_apis_host(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"gateway__trusted_proxies": ["127.0.0.1/32"], "gateway__max_connections_per_address": 2}
    async with world(tmp_path, **settings) as made, running(made.config), proxied(made) as host:
        assert (await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"}))[0] == 201
        socket, token = f"ws://{host}/bridge/connection/websocket", made.token("77")
        at = {each: {"local_addr": (f"127.0.0.{each}", 0)} for each in (2, 3)}
        connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        async with (
            WireClient(socket, **at[2]) as client,
            aiohttp.ClientSession(f"http://{host}", connector=connector) as session,
        ):
            await client.ask(connect={"token": token})
            await client.ask(subscribe={"channel": "campaign:1234"})
            authorized = {"Authorization": f"Bearer {token}"}
            async with session.get("/bridge/v1/channels/campaign:1234/events", headers=authorized) as events:
                assert (events.status, events.content_type) == (200, "text/event-stream")
                assert (await made.post("/v1/events", STATUS))[0] == 202
                async with asyncio.timeout(10):  # unbuffered: an event is far less than nginx would hold back
                    while b"provisional" not in await events.content.readline():
                        pass
                assert (await client.hear())["push"]["pub"]["data"]["meta"]["phase"] == "provisional"
                assert (await client.hear())["push"]["pub"]["data"]["meta"]["phase"] == "confirmed"

                # both count for 127.0.0.2, whatever it says of itself; nobody else's do
                with pytest.raises(InvalidStatus, match="429"):
                    async with WireClient(socket, **at[2], additional_headers={"X-Forwarded-For": "192.0.2.1"}):
                        pass
                async with WireClient(socket, **at[3]) as other:
                    assert "connect" in await other.ask(connect={"token": token})

            async with session.post("/bridge/emulation", json={"session": "x", "data": "{}"}) as answer:
                assert (await answer.json())["error"]["message"] == "no stream has this session"
            async with session.get("/bridge/v1/campaigns/1234/proof", headers=authorized) as answer:
                assert answer.status == 200
            for path in ("/bridge/v1/events", "/bridge/v1/campaigns/1234", "/bridge/healthz", "/v1/info"):
                async with session.get(path) as answer:  # backends' own, and not nginx's to give away
                    assert (answer.status, answer.content_type) == (404, "text/html")
