"""The same over real sockets: mutated handshakes, frames and requests end their own connection, and nothing breaks."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from websockets.frames import Opcode

from tests.bridge.gateway.gateway_fixture import until
from tests.bridge.gateway.raw_socket import HANDSHAKE, masked, nothing_left, raw
from tests.bridge.gateway.streams_fixture import streaming
from tests.bridge.gateway.wire_client import WireClient
from tests.fuzz.mutants import mutants
from tests.fuzz.targets import HISTORY, REST, SUBSCRIBE

AT_A_TIME = 50
SHORT, LONG = 150, 10_000


async def tried(inputs: int) -> None:
    """Each of so many over a connection of its own, half of them to each door; a client beside them isn't touched."""
    settings = {
        "authenticate_timeout_s": 0.3,
        "close_timeout_s": 0.1,
        "ping_interval_s": 0.2,
        "pong_timeout_s": 3,
        "compression": True,
    }
    async with streaming(**settings) as made, WireClient(made.gateway.url) as client:
        gateway, ports = made.gateway, (made.gateway.server.port, made.api.port)
        token = gateway.token(lives_s=800)
        connect = json.dumps({"id": 1, "connect": {"token": token}}).encode()
        shaken = HANDSHAKE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        frames = b"".join(masked(Opcode.TEXT, each) for each in (connect, SUBSCRIBE, HISTORY, REST))
        head = f"GET /v1/channels/user:77/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        post = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        emulated = b'{"session":"x","data":"{}"}'
        sockets = mutants((shaken + frames, shaken + frames + masked(Opcode.PING)), inputs // 2, seed=1)
        requests = mutants(
            (
                head,
                post % (b"connection/http_stream", len(connect), connect),
                post % (b"emulation", len(emulated), emulated),
            ),
            inputs // 2,
            seed=2,
        )
        await client.ask(connect={"token": token})
        await client.ask(subscribe={"channel": "user:77"})
        gate = asyncio.Semaphore(AT_A_TIME)
        ponging = asyncio.create_task(pong(client))

        async def one(port: int, data: bytes) -> None:
            async with gate, raw(port) as socket:
                socket.send(data)
                await asyncio.sleep(0.02)

        async with nothing_left(lambda: gateway.server.connections), asyncio.TaskGroup() as group:
            for port, all_data in zip(ports, (sockets, requests), strict=True):
                for data in all_data:
                    group.create_task(one(port, data))
        ponging.cancel()
        gateway.publisher.confirm("user:77", 1)
        while not (heard := await client.hear()):
            pass  # a ping
        assert heard["push"]["pub"]["offset"] == 1
        await until(lambda: gateway.server.connections == 1)


async def pong(client: WireClient) -> None:
    """Tell that it is alive, whether asked or not."""
    while True:
        await client.socket.send("{}")
        await asyncio.sleep(0.5)


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged as an error, but for one of the library's: a refusal to a client that has left already."""
    found = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    return [each for each in found if each != "unexpected internal error"]


async def test_mutants(caplog: pytest.LogCaptureFixture) -> None:
    await tried(SHORT)
    assert not errors(caplog)


@pytest.mark.long
async def test_ten_thousand_mutants(caplog: pytest.LogCaptureFixture) -> None:
    await tried(LONG)
    assert not errors(caplog)
