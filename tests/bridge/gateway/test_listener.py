"""The listening socket: who is silent for longest goes first, who has spoken stays, and closed ones are forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from bridge.gateway.listener import Listener
from tests.bridge.gateway.gateway_fixture import until
from tests.bridge.gateway.raw_socket import RawSocket, raw


class Echo(asyncio.Protocol):
    """Speaks at the first byte, and rests at the second."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data == b"s":
            self._accepted = self._listener.speaks(self._transport)
        elif self._accepted is not None:
            self._listener.rests(self._accepted)
        self._transport.write(data)


async def test_the_longest_silent_one_goes() -> None:
    listener = Listener("localhost", 0, max_silent=2)
    port = listener.getsockname()[1]
    server = await asyncio.get_running_loop().create_server(lambda: Echo(listener), sock=listener)
    async with server, contextlib.AsyncExitStack() as stack:

        async def come() -> RawSocket:
            return await stack.enter_async_context(raw(port))

        first, second = await come(), await come()
        await until(lambda: listener.silent == 2)
        first.send(b"s")
        await until(lambda: listener.silent == 1)
        third = await come()
        await until(lambda: listener.silent == 2)
        fourth = await come()
        assert await second.rest() == b""
        assert not any(each.over for each in (first, third, fourth))
        first.send(b"r")  # now it is the youngest of three
        assert await third.rest() == b""
        assert not any(each.over for each in (first, fourth))
    await until(lambda: listener.silent == 0)


@pytest.mark.parametrize("held", [False, True])
async def test_what_is_written_leaves_at_once(held: bool) -> None:
    """Not when the client has acknowledged what came before it (Nagle's algorithm)."""
    port = socket.create_server(("127.0.0.1", 0)) if held else None
    listener = Listener("127.0.0.1", 0, max_silent=1, held=port)
    connected: asyncio.Future[asyncio.BaseTransport] = asyncio.get_running_loop().create_future()

    class Meets(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connected.set_result(transport)

    server = await asyncio.get_running_loop().create_server(Meets, sock=listener)
    async with server, raw(listener.getsockname()[1]):
        transport = await connected
        assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()
