"""A port that is taken is named; a free one is found."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from aiohttp import web

from topics.devnet.ports import PortTaken, grpc_server, listen_grpc, listen_http


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_grpc(taken: int) -> None:
    server = grpc_server()
    with pytest.raises(PortTaken, match=f"127.0.0.1:{taken}") as caught:
        listen_grpc(server, "127.0.0.1", taken)
    assert (caught.value.host, caught.value.port) == ("127.0.0.1", taken)
    port = listen_grpc(server, "127.0.0.1", 0)
    assert port > 0
    # Two servers never share one port unnoticed.
    with pytest.raises(PortTaken):
        listen_grpc(grpc_server(), "127.0.0.1", port)
    await server.stop(None)


async def test_http(taken: int) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    with pytest.raises(PortTaken, match=f"127.0.0.1:{taken}"):
        await listen_http(runner, "127.0.0.1", taken)
    assert await listen_http(runner, "127.0.0.1", 0) > 0
    await runner.cleanup()
