"""The gateway's ways in, in Protobuf: frames are binary, limits hold, and a publication is encoded once for all."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from centrifuge.codecs import _ProtobufCodec, _varint_decode
from centrifuge.protocol import client_pb2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from bridge.protocol.realtime import codes
from bridge.protocol.realtime.protobuf import SUBPROTOCOL
from tests.bridge.gateway.gateway_fixture import Running, running_gateway
from tests.bridge.gateway.memory_history import EPOCH
from tests.bridge.gateway.streams_fixture import streaming

CHANNEL = "campaign:1"
DEADLINE_S = 10
BINARY = {"Content-Type": "application/octet-stream"}


def frame(*several: Mapping[str, Any]) -> bytes:
    """As the Python client writes it."""
    written: bytes = _ProtobufCodec.encode_commands(several)
    return written


def cut(text: bytes) -> tuple[list[Any], bytes]:
    """The whole messages, and what is behind them."""
    found = []
    while text:
        size, at = _varint_decode(text, 0)
        if at + size > len(text):
            break
        found.append(client_pb2.Reply.FromString(text[at : at + size]))
        text = text[at + size :]
    return found, text


@contextlib.asynccontextmanager
async def opened(gateway: Running) -> AsyncIterator[ClientConnection]:
    """A socket that speaks Protobuf."""
    async with connect(gateway.url, subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None, ping_interval=None) as socket:
        assert socket.subprotocol == SUBPROTOCOL
        yield socket


async def hear(socket: ClientConnection) -> list[Any]:
    received = await asyncio.wait_for(socket.recv(), DEADLINE_S)
    assert isinstance(received, bytes)
    found, rest = cut(received)
    assert rest == b""
    return found


async def closed(socket: ClientConnection) -> int | None:
    """The code that the server closes with."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), DEADLINE_S)
    except ConnectionClosed:
        return socket.close_code


@pytest.mark.parametrize("compression", [False, True])
async def test_commands_replies_and_publications(compression: bool) -> None:
    async with running_gateway(compression=compression) as gateway, opened(gateway) as socket:
        await socket.send(
            frame({"id": 1, "connect": {"token": gateway.token()}}, {"id": 2, "subscribe": {"channel": CHANNEL}})
        )
        replies: list[Any] = []
        while len(replies) < 2:
            replies += await hear(socket)
        assert (replies[0].id, replies[0].connect.pong) == (1, True)
        assert (replies[1].subscribe.epoch, json.loads(replies[1].subscribe.data)["open"]) == (EPOCH, [])
        gateway.publisher.confirm(CHANNEL, 1000, n=1)
        gateway.publisher.provisional(CHANNEL, n=2)
        got: list[Any] = []
        while len(got) < 2:
            got += await hear(socket)
        assert [(each.push.channel, each.push.pub.offset) for each in got] == [(CHANNEL, 1000), (CHANNEL, 0)]
        assert [json.loads(each.push.pub.data)["data"]["n"] for each in got] == [1, 2]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", 3501),
        (b"\x05", 3501),
        (b"\x02\xff\xff", 3501),
        (b"\x00", 3501),  # a pong before connect
        ('{"id":1,"connect":{}}', 3501),  # text was not agreed on
        (frame({"id": 1, "connect": {"token": "forged"}}), 3500),
        (b"\x00" * 70_000, 1009),
    ],
)
async def test_abuse_ends_its_own_connection_only(sent: str | bytes, code: int) -> None:
    async with running_gateway() as gateway, opened(gateway) as good:
        await good.send(frame({"id": 1, "connect": {"token": gateway.token()}}))
        await hear(good)
        async with opened(gateway) as bad:
            await bad.send(sent)
            assert await closed(bad) == code
        await good.send(frame({"id": 2, "ping": {}}))
        assert [reply.id for reply in await hear(good)] == [2]


async def test_floods_are_cut() -> None:
    limits = {"max_commands_per_s": 5, "max_channels_per_connection": 5}
    async with running_gateway(**limits) as gateway, opened(gateway) as socket:
        await socket.send(frame({"id": 1, "connect": {"token": gateway.token()}}))
        await hear(socket)
        await socket.send(b"\x00" * 50)
        assert await closed(socket) == 3013


async def test_the_plain_socket_does_not_speak_it() -> None:
    async with running_gateway(plain_socket=True) as gateway:
        url = f"{gateway.url.replace('/connection/websocket', '/ws')}?access_token={gateway.token()}"
        async with connect(url, subprotocols=[Subprotocol(SUBPROTOCOL)], proxy=None) as socket:
            assert socket.subprotocol is None
            gateway.publisher.confirm("user:77", 1, n=1)
            assert json.loads(await asyncio.wait_for(socket.recv(), DEADLINE_S))


async def test_a_stream_with_commands_by_post() -> None:
    async with streaming() as made:
        first = frame({"id": 1, "connect": {"token": made.gateway.token()}})

        async def line(response: aiohttp.ClientResponse) -> Any:
            text = b""
            while True:
                text += await asyncio.wait_for(response.content.readexactly(1), DEADLINE_S)
                with contextlib.suppress(IndexError):
                    found, _ = cut(text)
                    if found:
                        return found[0]

        async def post(data: bytes) -> int:
            body = client_pb2.EmulationRequest(session=secret, data=data).SerializeToString()
            async with made.session.post("/emulation", data=body, headers=BINARY) as response:
                return response.status

        async with made.session.post("/connection/http_stream", data=first, headers=BINARY) as response:
            assert response.content_type == BINARY["Content-Type"]
            secret = (await line(response)).connect.session
            assert await post(frame({"id": 2, "subscribe": {"channel": CHANNEL}})) == 204
            assert (await line(response)).subscribe.epoch == EPOCH
            made.gateway.publisher.confirm(CHANNEL, 2000, n=1)
            assert (await line(response)).push.pub.offset == 2000
            assert await post(b"\xff") == 204
            assert (await line(response)).push.disconnect.code == codes.BAD_FRAME.code
        async with made.session.post("/emulation", data=b"\xff", headers=BINARY) as response:
            assert response.status == 400
