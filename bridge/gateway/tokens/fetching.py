"""Gets key sets from where issuers keep them: a URL (JWKS), or a Redis string (the first user's key store)."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp

from bridge.errors import Unavailable

REMOTE = "the key set"
ABSENT = "it isn't there"
"""Why Redis's string is Unavailable where nobody has written it yet."""
REDIS = ("redis", "rediss")


async def fetch_keys(url: str, *, password: str, timeout_s: float, max_bytes: int) -> bytes:
    """The text at `url`, http(s)://… or redis(s)://host:port/0?key=name; `password` is for Redis, "" for none.

    Raises Unavailable for an answer that is late, too long, an error or a redirect: the URL is pinned.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if urlsplit(url).scheme in REDIS:
                from bridge.gateway.tokens.redis_string import read  # noqa: PLC0415 # its library is an extra

                return await read(url, password, max_bytes)
            return await _http(url, max_bytes)
    except TimeoutError as error:
        raise Unavailable(REMOTE, f"no answer within {timeout_s:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
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
