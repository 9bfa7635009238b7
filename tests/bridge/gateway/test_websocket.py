"""The socket below the library's `send()`: one write a turn, pauses told, nothing behind a close, compressed once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.protocol import State
from websockets.typing import Subprotocol

from bridge.gateway.outlet import Outlet, Turn
from bridge.gateway.websocket import DEFLATE, WebSocket, binary_frame, deflating, text_frame
from bridge.protocol.realtime.protobuf import SUBPROTOCOL
from bridge.protocol.realtime.rate import TokenBucket
from tests.bridge.gateway.gateway_fixture import until

BIG = b"x" * 300_000


@contextlib.asynccontextmanager
async def both(
    *, deflate: int | None = None, subprotocol: str | None = None
) -> AsyncIterator[tuple[WebSocket, Outlet, ClientConnection]]:
    """A connected pair; with `deflate` the client asks for such a window."""
    spoken = None if subprotocol is None else [Subprotocol(subprotocol)]
    made: asyncio.Future[WebSocket] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()

    async def handle(socket: ServerConnection) -> None:
        assert isinstance(socket, WebSocket)
        made.set_result(socket)
        await ended.wait()

    wanted = None if deflate is None else [ClientPerMessageDeflateFactory(server_max_window_bits=deflate)]
    async with serve(
        handle,
        "127.0.0.1",
        0,
        create_connection=WebSocket,
        compression=None,
        extensions=[DEFLATE],
        close_timeout=1,
        subprotocols=spoken,
    ) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(
            f"ws://127.0.0.1:{port}",
            compression=None,
            extensions=wanted,
            max_size=None,
            max_queue=1,
            close_timeout=1,
            subprotocols=spoken,
        ) as client:
            socket = await made
            outlet = Outlet(socket, Turn(asyncio.get_running_loop()), max_pending_bytes=1_048_576)
            socket.attach(outlet)
            try:
                yield socket, outlet, client
            finally:
                ended.set()


async def test_text_goes_straight_to_the_transport() -> None:
    async with both() as (socket, outlet, client):
        assert outlet.send == socket.transport.write
        outlet.send(outlet.encode("π".encode()))
        assert await client.recv() == "π"


async def test_a_client_that_reads_nothing_pauses_its_outlet_and_gets_all_when_it_reads() -> None:
    async with both() as (socket, outlet, client):
        client.transport.pause_reading()
        wire, sent = outlet.encode(BIG), 0
        while outlet.send == socket.transport.write:
            outlet.send(wire)
            sent += 1
        assert socket.queued_bytes() > 0
        outlet.send(wire)
        client.transport.resume_reading()
        for _ in range(sent + 1):
            assert len(await client.recv()) == len(BIG)
        await outlet.drained()
        assert outlet.send == socket.transport.write
        assert socket.queued_bytes() == 0


async def test_nothing_follows_a_close_frame_of_either_side() -> None:
    for side in ("ours", "theirs"):
        async with both() as (socket, outlet, client):
            closing = asyncio.create_task((socket if side == "ours" else client).close(4000))
            await until(lambda: socket.protocol.state is not State.OPEN)
            outlet.send(text_frame(b"late"))
            outlet.write(text_frame(b"late"))
            await closing
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 4000


async def test_a_connection_that_breaks_ends_its_outlet() -> None:
    async with both() as (socket, outlet, client):
        client.transport.abort()
        await socket.wait_closed()
        outlet.send(b"late")
        outlet.write(b"late")
        await outlet.drained()
        assert socket.outlet is None


async def test_compressed_by_one_function_for_all_with_the_same_window() -> None:
    payload = b'{"push":{}}' * 50
    async with both(deflate=10) as (_, outlet, client), both(deflate=10) as (_, other, _):
        assert outlet.encode is other.encode
        assert outlet.encode is not deflating(15)
        assert len(outlet.encode(payload)) < len(payload) / 4
        for _ in range(2):
            outlet.send(outlet.encode(payload))
            assert await client.recv() == payload.decode()
    async with both() as (_, outlet, _):
        assert outlet.encode is text_frame


async def test_what_comes_behind_too_many_frames_is_not_read() -> None:
    async with both() as (socket, _, client):
        told = list[str]()
        socket.meter(TokenBucket(0.001, 3, now_ms=0), lambda: 0, flooded=lambda: told.append("flooded"))
        for number in range(3):
            await client.send(str(number))
        client.transport.write(b"\x8a\x80\0\0\0\0" * 10_000)  # pongs
        await until(lambda: told)
        await client.send("3")
        assert [await socket.recv() for _ in range(3)] == ["0", "1", "2"]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.05)
        assert told == ["flooded"]


async def test_the_handshake_is_forgotten() -> None:
    async with both() as (socket, _, client):
        assert socket.request is not None
        assert "Sec-WebSocket-Key" in socket.request.headers
        socket.forget_handshake()
        assert not socket.request.headers
        await client.send("still there")
        assert await socket.recv() == "still there"


def test_frames_are_of_the_kind_they_say() -> None:
    assert text_frame(b"{}") == bytes([0x80 | Opcode.TEXT, 2]) + b"{}"
    assert deflating(15)(b"{}")[0] == 0x80 | 0x40 | Opcode.TEXT
    assert binary_frame(b"{}\n{}") == bytes([0x80 | Opcode.BINARY, 2]) + b"\x00\x00"
    assert deflating(15, binary_frame)(b"{}")[0] == 0x80 | 0x40 | Opcode.BINARY


async def test_protobuf_is_made_by_one_function_for_all_who_agreed_on_it() -> None:
    async with both(subprotocol=SUBPROTOCOL) as (_, outlet, client), both(subprotocol=SUBPROTOCOL) as (_, other, _):
        assert outlet.encode is other.encode is binary_frame
        outlet.send(outlet.encode(b"{}"))
        assert await client.recv() == b"\x00"
    async with both(subprotocol=SUBPROTOCOL, deflate=10) as (_, outlet, _):
        assert outlet.encode is deflating(10, binary_frame)
    async with both(subprotocol="bearer") as (_, outlet, _):
        assert outlet.encode is text_frame
