"""Gets key sets from where issuers keep them: a URL (JWKS), or a Redis string (the first user's key store)."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import aiohttp

from bridge.errors import Unavailable

REMOTE = "the key set"


async def fetch_keys(url: str, *, password: str, timeout_s: float, max_bytes: int) -> bytes:
    """The text at `url`, http(s)://… or redis://host:port/0?key=name; `password` is for Redis, "" for none.

    Raises Unavailable for an answer that is late, too long, an error or a redirect: the URL is pinned.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if urlsplit(url).scheme == "redis":
                return await _redis(url, password, max_bytes)
            return await _http(url, max_bytes)
    except TimeoutError as error:
        raise Unavailable(REMOTE, f"no answer within {timeout_s:g} s") from error
    except (aiohttp.ClientError, OSError, EOFError, asyncio.LimitOverrunError) as error:
        raise Unavailable(REMOTE, f"it can't be reached: {type(error).__name__}") from error


async def _http(url: str, max_bytes: int) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as response:
        if response.status != 200:
            raise Unavailable(REMOTE, f"it answers {response.status}")
        body = bytearray()
        async for part in response.content.iter_any():
            body += part
            if len(body) > max_bytes:
                raise Unavailable(REMOTE, f"it is longer than {max_bytes} bytes")
        return bytes(body)


async def _redis(url: str, password: str, max_bytes: int) -> bytes:
    """GET of one string (Redis protocol, RESP2)."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 6379)
    try:
        if password:
            await _call(reader, writer, "AUTH", password, max_bytes=max_bytes)
        if database := parts.path.strip("/"):
            await _call(reader, writer, "SELECT", database, max_bytes=max_bytes)
        [name] = parse_qs(parts.query)["key"]
        return await _call(reader, writer, "GET", name, max_bytes=max_bytes)
    finally:
        writer.transport.abort()


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *words: str, max_bytes: int) -> bytes:
    """One command's answer: a simple string, or a bulk string of at most `max_bytes`."""
    encoded = [word.encode() for word in words]
    writer.write(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded))
    head = (await reader.readuntil(b"\r\n"))[:-2]
    if head.startswith(b"+"):
        return head[1:]
    if head == b"$-1":
        raise Unavailable(REMOTE, "it isn't there")
    if not head.startswith(b"$") or not head[1:].isdigit():
        raise Unavailable(REMOTE, "Redis answers with an error")  # its text may repeat what we sent
    if (size := int(head[1:])) > max_bytes:
        raise Unavailable(REMOTE, f"it is longer than {max_bytes} bytes")
    return (await reader.readexactly(size + 2))[:-2]
