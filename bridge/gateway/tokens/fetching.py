"""Gets key sets from where issuers keep them: a URL (JWKS), or a Redis string (the first user's key store)."""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import parse_qs, urlsplit

import aiohttp
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from bridge.errors import Unavailable

REMOTE = "the key set"
REDIS = ("redis", "rediss")


async def fetch_keys(url: str, *, password: str, timeout_s: float, max_bytes: int) -> bytes:
    """The text at `url`, http(s)://… or redis(s)://host:port/0?key=name; `password` is for Redis, "" for none.

    Raises Unavailable for an answer that is late, too long, an error or a redirect: the URL is pinned.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if urlsplit(url).scheme in REDIS:
                return await _redis(url, password, max_bytes)
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


async def _redis(url: str, password: str, max_bytes: int) -> bytes:
    """One string's value, and never more of it than one byte too many."""
    place, _, query = url.partition("?")
    [name] = parse_qs(query)["key"]
    try:
        # the older protocol, no word about ourselves, no second try: it is asked for the value and nothing else
        client = Redis.from_url(
            place, password=password or None, protocol=2, driver_info=None, retry=Retry(NoBackoff(), 0)
        )
        async with client:
            found = await client.getrange(name, 0, max_bytes)
    except ResponseError as error:  # its text may repeat what we sent
        raise Unavailable(REMOTE, "Redis answers with an error") from error
    except (RedisError, ValueError) as error:  # ValueError: what answers there is no Redis
        raise Unavailable(REMOTE, f"it can't be reached: {type(error).__name__}") from error
    if not found:
        raise Unavailable(REMOTE, "it isn't there")
    if len(found) > max_bytes:
        raise Unavailable(REMOTE, f"it is longer than {max_bytes} bytes")
    return cast(bytes, found)  # text only where one asks for it
