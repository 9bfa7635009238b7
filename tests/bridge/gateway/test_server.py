"""The socket door: who gets in, what abuse ends in, who is cut, and how everyone leaves."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from websockets.exceptions import InvalidStatus

from bridge.errors import AddressUnusable
from bridge.gateway.server import GatewayServer
from bridge.gateway.settings import GatewaySettings
from tests.bridge.gateway.gateway_fixture import Running, running_gateway, until
from tests.bridge.gateway.wire_client import WireClient


async def status(url: str, **options: object) -> int:
    try:
        async with WireClient(url, **options):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_origins_and_paths() -> None:
    async with running_gateway(origins=("https://app.example.org",)) as gateway:
        assert await status(gateway.url) == 101
        assert await status(gateway.url + "?v=2") == 101
        assert await status(gateway.url, origin="https://app.example.org") == 101
        assert await status(gateway.url, origin="https://evil.example.org") == 403
        assert await status(gateway.url, origin="null") == 403
        assert await status(gateway.url.replace("/websocket", "/elsewhere")) == 404


async def test_no_origin_is_allowed_by_default() -> None:
    async with running_gateway() as gateway:
        assert await status(gateway.url, origin="http://localhost:8780") == 403


async def test_connections_are_limited() -> None:
    async with running_gateway(max_connections=1) as gateway:
        async with WireClient(gateway.url):
            await until(lambda: gateway.server.connections == 1)
            assert await status(gateway.url) == 503
        await until(lambda: gateway.server.connections == 0)
        assert await status(gateway.url) == 101


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("garbage", 3501),
        ("", 3501),
        ("{}", 3501),
        (b"\x00\x01", 3501),
        (b"", 3501),
        ('{"id":1,"subscribe":{"channel":"user:77"}}', 3501),
        ('{"id":1,"connect":{"data":' + "[" * 20_000 + "]" * 20_000 + "}}", 3501),
        ('{"id":1,"connect":{"token":"garbage"}}', 3500),
        ("x" * 70_000, 1009),
    ],
)
async def test_abuse_ends_its_own_connection_only(frame: str | bytes, code: int) -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as good:
        await good.ask(connect={"token": gateway.token()})
        async with WireClient(gateway.url) as bad:
            await bad.socket.send(frame)
            assert await bad.closed() == code
        assert "subscribe" in await good.ask(subscribe={"channel": "user:77"})


async def test_connect_answers_what_is_wrong() -> None:
    async with running_gateway() as gateway:
        async with WireClient(gateway.url) as client:
            reply = await client.ask(connect={"token": gateway.token(lives_s=-1)})
            assert reply["error"] == {"code": 109, "message": "token expired"}
        async with WireClient(gateway.url) as client:
            assert (await client.ask(connect={}))["error"]["code"] == 101


async def test_who_says_nothing_is_closed() -> None:
    async with running_gateway(authenticate_timeout_s=0.1) as gateway, WireClient(gateway.url) as client:
        assert await client.closed() == 3502


async def test_floods_are_cut() -> None:
    limits = {"max_commands_per_s": 5, "max_channels_per_connection": 5}
    async with running_gateway(**limits) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        await client.socket.send("\n".join(["{}"] * 50))
        assert await client.closed() == 3013


async def frozen(gateway: Running) -> WireClient:
    """A client that subscribes and then reads nothing more."""
    client = WireClient(gateway.url)
    await client.__aenter__()
    await client.ask(connect={"token": gateway.token()})
    await client.ask(subscribe={"channel": "user:77"})
    client.socket.transport.pause_reading()
    return client


async def test_a_frozen_client_is_cut_and_the_others_get_everything() -> None:
    async with running_gateway(max_pending_bytes=200_000) as gateway, WireClient(gateway.url) as good:
        await good.ask(connect={"token": gateway.token()})
        await good.ask(subscribe={"channel": "user:77"})
        slow = await frozen(gateway)
        offset = 0
        deadline = time.monotonic() + 30
        while gateway.server.connections == 2:
            offset += 1
            gateway.publisher.confirm("user:77", offset, text="x" * 20_000)
            assert (await good.hear())["push"]["pub"]["offset"] == offset
            assert time.monotonic() < deadline
        assert gateway.hub.subscribers("user:77") == 1
        await slow.__aexit__(None, None, None)


async def test_a_large_recovery_does_not_cut_its_own_client() -> None:
    async with running_gateway(max_pending_bytes=200_000) as gateway:
        users = [f"campaign:{number}" for number in range(20)]
        for channel in users:
            for offset in range(1, 5):
                gateway.publisher.confirm(channel, offset, text="x" * 20_000)
        token = gateway.token(campaigns=[str(number) for number in range(20)])
        async with WireClient(gateway.url, max_size=None) as client:
            commands = [{"id": 100, "connect": {"token": token}}]
            commands += [
                {"id": number, "subscribe": {"channel": channel, "recover": True}}
                for number, channel in enumerate(users, 1)
            ]
            await client.socket.send("\n".join(json.dumps(command) for command in commands))
            await client.hear()
            for _ in users:
                assert len((await client.hear())["subscribe"]["publications"]) == 4


async def test_what_breaks_in_one_connection_ends_that_one() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client, WireClient(gateway.url) as other:
        for one in (client, other):
            await one.ask(connect={"token": gateway.token()})
        gateway.history.rows["user:77"] = [None]  # type: ignore[list-item]  # no row: reading it fails
        await client.say(subscribe={"channel": "user:77"})
        assert await client.closed() == 1011
        assert gateway.hub.subscribers("user:77") == 0
        assert "subscribe" in await other.ask(subscribe={"channel": "campaign:1"})


async def test_a_taken_port_is_named() -> None:
    async with running_gateway() as gateway:
        taken = gateway.server.port
        second = GatewayServer(GatewaySettings(port=taken), gateway.server._rooms)
        with pytest.raises(AddressUnusable, match=rf"cannot listen on 127\.0\.0\.1:{taken}: .*in use"):
            await second.start()
        with pytest.raises(RuntimeError):
            _ = second.port


async def test_drain_spreads_and_tells_to_come_back() -> None:
    async with running_gateway(drain_timeout_s=0.5) as gateway:
        clients = [WireClient(gateway.url) for _ in range(10)]
        for client in clients:
            await client.__aenter__()
            await client.ask(connect={"token": gateway.token()})
        loop = asyncio.get_running_loop()
        began, left = loop.time(), []

        async def leave(client: WireClient) -> None:
            assert await client.closed() == 3001
            left.append(loop.time() - began)

        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(leave(client))
            group.create_task(gateway.server.drain())
        assert min(left) < 0.2
        assert 0.3 < max(left) < 2
        assert gateway.server.connections == 0


async def test_cancelling_tells_everyone_at_once() -> None:
    async with running_gateway() as gateway:
        client = WireClient(gateway.url)
        await client.__aenter__()
        await client.ask(connect={"token": gateway.token()})
    assert await client.closed() == 3001
