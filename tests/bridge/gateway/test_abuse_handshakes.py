"""Connections that never say what they want: they are hung up on, and who means it comes in beside them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from bridge.commands.addresses import trust
from bridge.gateway.certificate import Certificate
from tests.bridge.gateway.gateway_fixture import running_gateway, until
from tests.bridge.gateway.made_certificate import made_certificate
from tests.bridge.gateway.raw_socket import HANDSHAKE, RawSocket, nothing_left, raw
from tests.bridge.gateway.wire_client import WireClient

MOST, AT_A_TIME = 20, 3000
OTHER_ADDRESS = ("127.0.0.2", 0)


@contextlib.asynccontextmanager
async def half_open(port: int, beginning: bytes) -> AsyncIterator[list[RawSocket]]:
    """Three times as many as there may be, the oldest first."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(raw(port)) for _ in range(3 * MOST)]
        for socket in sockets:
            socket.send(beginning)
        yield sockets


@pytest.mark.parametrize("beginning", [b"", b"GET /conn", HANDSHAKE], ids=["nothing", "half a line", "no end"])
async def test_the_oldest_of_too_many_half_open_ones_go(beginning: bytes) -> None:
    async with (
        running_gateway(max_handshakes=MOST, authenticate_timeout_s=60) as gateway,
        nothing_left(),
        half_open(gateway.server.port, beginning) as sockets,
    ):
        assert [await socket.rest() for socket in sockets[: 2 * MOST]] == [b""] * (2 * MOST)
        async with WireClient(gateway.url) as client:
            assert "connect" in await client.ask(connect={"token": gateway.token()})
        assert not sockets[-1].over


async def test_in_tls_too(tmp_path: Path) -> None:
    files = made_certificate(tmp_path, "first")
    limits = {"max_handshakes": MOST, "authenticate_timeout_s": 60}
    context = Certificate(*files, section="gateway").context
    async with running_gateway(**limits, ssl=context) as gateway, nothing_left():
        for beginning in (b"", b"\x16\x03\x01\x02\x00\x01"):
            async with half_open(gateway.server.port, beginning) as sockets:
                assert [await socket.rest() for socket in sockets[: 2 * MOST]] == [b""] * (2 * MOST)
                async with WireClient(gateway.url.replace("ws:", "wss:"), ssl=trust(files[0])) as client:
                    assert "connect" in await client.ask(connect={"token": gateway.token()})
                assert not sockets[-1].over


async def test_a_byte_at_a_time() -> None:
    async with running_gateway(authenticate_timeout_s=0.3) as gateway, nothing_left():
        began = time.monotonic()
        async with raw(gateway.server.port) as socket, WireClient(gateway.url) as client:
            await client.ask(connect={"token": gateway.token()})
            await socket.slowly(HANDSHAKE * 20, pause_s=0.01)
            assert await socket.rest() == b""
            assert time.monotonic() - began < 2
            assert "subscribe" in await client.ask(subscribe={"channel": "user:77"})


@pytest.mark.parametrize("more", [b"X: " + b"x" * 8000 + b"\r\n", b"Cookie: a=b\r\n", b"\x16\x03\x01\r\n"])
async def test_a_head_has_at_most_the_bytes_of_a_frame(more: bytes) -> None:
    async with running_gateway() as gateway, nothing_left(), raw(gateway.server.port) as socket:
        socket.send(HANDSHAKE + more * (1 + 70_000 // len(more)))
        assert b" 101 " not in await socket.rest()


async def test_as_many_as_it_goes_from_one_address() -> None:
    await storm(500, most=100)


@pytest.mark.long
async def test_ten_thousand_as_fast_as_it_goes_from_one_address() -> None:
    await storm(10_000, most=4000)


async def storm(count: int, *, most: int) -> None:
    """Of so many connections at once `most` are let in, the others told why, and another address isn't touched."""
    async with running_gateway(max_connections_per_address=most, authenticate_timeout_s=60) as gateway, nothing_left():
        answers, kept = Counter[int](), contextlib.AsyncExitStack()
        gate = asyncio.Semaphore(AT_A_TIME)  # both ends are descriptors of this process

        async def connect() -> None:
            try:
                async with gate:
                    await kept.enter_async_context(WireClient(gateway.url, open_timeout=None))
                answers[101] += 1
            except InvalidStatus as error:
                answers[error.response.status_code] += 1

        async with kept:
            storming = asyncio.gather(*(connect() for _ in range(count)))
            async with WireClient(gateway.url, open_timeout=None, local_addr=OTHER_ADDRESS) as client:
                await client.ask(connect={"token": gateway.token()})
                assert "subscribe" in await client.ask(subscribe={"channel": "user:77"})
                await storming
                assert answers == {101: most, 429: count - most}
                gateway.publisher.confirm("user:77", 1)
                assert (await client.hear())["push"]["pub"]["offset"] == 1
        await until(lambda: gateway.server.connections == 0)
