"""A key set that lies in a string of Redis (extra `[redis]`)."""

from __future__ import annotations

from typing import cast
from urllib.parse import parse_qs

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from bridge.errors import Unavailable
from bridge.gateway.tokens.fetching import ABSENT, REMOTE


async def read(url: str, password: str, max_bytes: int) -> bytes:
    """One string's value, and never more of it than one byte too many. Raises Unavailable."""
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
        raise Unavailable(REMOTE, ABSENT)
    if len(found) > max_bytes:
        raise Unavailable(REMOTE, f"it is longer than {max_bytes} bytes")
    return cast(bytes, found)  # text only where one asks for it
