"""The shipped nginx.conf and Caddyfile: WebSocket, streams as they come, a path prefix, and whose connection it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from bridge.app import running
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.proxies import CADDY, NGINX, caddy, nginx
from tests.integration.world import World, world

STATUS = {"event": "CAMPAIGN_STATUS_UPDATE", "payload": {"campaignId": "1234", "newStatus": "ApprovalPending"}}
JSON = "application/json"
needs_nginx = pytest.mark.skipif(NGINX is None, reason="no nginx: install Debian's package nginx-light")
needs_caddy = pytest.mark.skipif(CADDY is None, reason="no Caddy: install Debian's package caddy")


@pytest.mark.parametrize(
    "proxied", [pytest.param(nginx, marks=needs_nginx), pytest.param(caddy, marks=needs_caddy)], ids=["nginx", "caddy"]
)
async def test_a_prefix_on_the_apis_host(
    tmp_path: Path, proxied: Callable[[World], AbstractAsyncContextManager[str]]
) -> None:
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

            # whoever leaves a stream has left the bridge, too
            hello = json.dumps({"id": 1, "connect": {"token": token}})
            first = b""
            async with asyncio.timeout(10):
                while b'"connect"' not in first:  # else it is too many connections
                    async with session.post("/bridge/connection/http_stream", data=hello) as answer:
                        first = await answer.content.readline()

            async with session.post("/bridge/emulation", json={"session": "x", "data": "{}"}) as answer:
                assert (await answer.json())["error"]["message"] == "no stream has this session"
            async with session.get("/bridge/v1/campaigns/1234/proof", headers=authorized) as answer:
                assert answer.status == 200
            for path in ("/bridge/v1/events", "/bridge/v1/campaigns/1234", "/bridge/healthz", "/v1/info"):
                async with session.get(path) as answer:  # backends' own, and not a proxy's to give away
                    assert (answer.status, answer.content_type != JSON) == (404, True)
