"""A key set in Redis: asked for the value and nothing else, and clear about what isn't one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bridge.errors import Unavailable
from bridge.gateway.tokens.fetching import fetch_keys


async def fetch(url: str, *, password: str = "") -> bytes:
    return await fetch_keys(url, password=password, timeout_s=5, max_bytes=1000)


class Redis:
    """Says what it was told to, and keeps what it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.asked: list[list[bytes]] = []
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(EOFError, ConnectionError):
            for answer in self.answers:
                count = int((await reader.readuntil(b"\r\n"))[1:])
                self.asked.append([await self._word(reader) for _ in range(count)])
                writer.write(answer)
            await reader.read()
        writer.transport.abort()
        self.gone.set()

    async def _word(self, reader: asyncio.StreamReader) -> bytes:
        size = int((await reader.readuntil(b"\r\n"))[1:])
        return (await reader.readexactly(size + 2))[:-2]


@contextlib.asynccontextmanager
async def redis_server(*answers: bytes) -> AsyncIterator[tuple[str, Redis]]:
    redis = Redis(*answers)
    server = await asyncio.start_server(redis.serve, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/2?key=authKeyStore", redis
    await asyncio.wait_for(redis.gone.wait(), 10)
    server.close()


async def test_redis() -> None:
    async with redis_server(b"+OK\r\n", b"+OK\r\n", b"$4\r\n[{}]\r\n") as (url, redis):
        assert await fetch(url, password="open sesame") == b"[{}]"
        assert redis.asked == [
            [b"AUTH", b"open sesame"],
            [b"SELECT", b"2"],
            [b"GETRANGE", b"authKeyStore", b"0", b"1000"],
        ]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"$0\r\n\r\n", "isn't there"),
        (b"-ERR wrong 'open sesame'\r\n", "answers with an error"),
        (b"$1001\r\n" + b"x" * 1001 + b"\r\n", "longer than 1000"),
        (b"$x\r\n", "can't be reached"),
        (b"x" * 100_000, "can't be reached"),
    ],
)
async def test_redis_that_does_not_have_it(answer: bytes, says: str) -> None:
    async with redis_server(b"+OK\r\n", answer) as (url, _):
        with pytest.raises(Unavailable, match=says) as caught:
            await fetch(url)
        assert "sesame" not in str(caught.value)
