"""A client of a Redis or Valkey server, by the one URL that is configured: alone, over TLS, or behind Sentinels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import TimeoutError as RedisLate

LET_GO_S = 0.5


class Server(Protocol):
    """Which one, what certificates to believe it by, and how long it may take to answer."""

    @property
    def url(self) -> str: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def timeout_s(self) -> float: ...


def heed_cancellation() -> None:
    """Raise a cancellation that got lost: the library sends under asyncio.wait_for, which loses one on Python 3.11.

    To be called behind what was awaited of it, wherever a task awaits it itself.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def ended(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel them until they are done: one cancellation can get lost in the library, when its own timeout ends.

    Who is cancelled meanwhile hears of it behind that: none of them is left going.
    """
    told: asyncio.CancelledError | None = None
    while going := [each for each in tasks if not each.done()]:
        for each in going:
            each.cancel()
        try:
            await asyncio.wait(going, timeout=LET_GO_S)
        except asyncio.CancelledError as error:
            told = error
    for each in tasks:
        if not each.cancelled():
            each.exception()  # looked at, whether or not anybody wants it
    if told is not None:
        raise told


@asynccontextmanager
async def connected(server: Server) -> AsyncIterator[Redis]:
    """A client of the server that is the master now. Connections come with the first command."""
    parts, patience = urlsplit(server.url), server.timeout_s
    # the older protocol, no word about ourselves, no second try: `run` does that
    options: dict[str, Any] = {"protocol": 2, "driver_info": None, "retry": Retry(NoBackoff(), 0)}
    options |= {"socket_timeout": patience, "socket_connect_timeout": patience}
    if server.ca_file is not None and parts.scheme.startswith("rediss"):
        options["ssl_ca_certs"] = str(server.ca_file)
    if not parts.scheme.endswith("+sentinel"):
        async with Redis.from_url(server.url, **options) as redis:
            yield redis
        return
    options["ssl"] = parts.scheme.startswith("rediss")
    [guard] = parse_qs(parts.query).get("sentinel_password", [None])
    service, _, database = parts.path[1:].partition("/")
    who: dict[str, Any] = {"username": _plain(parts.username), "password": _plain(parts.password)}
    sentinels = Sentinel(  # type: ignore[no-untyped-call] # the library leaves it without types
        _places(parts.netloc), sentinel_kwargs={**options, "password": guard}
    )
    async with sentinels, sentinels.master_for(unquote(service), db=int(database or 0), **options, **who) as redis:
        yield redis


def _places(netloc: str) -> list[tuple[str, int]]:
    """The Sentinels of user:password@host:port,host:port."""
    pairs = [each.rpartition(":") for each in netloc.rpartition("@")[2].split(",")]
    return [(host.strip("[]"), int(port)) for host, _, port in pairs]


def _plain(quoted: str | None) -> str | None:
    return None if quoted is None else unquote(quoted)


def reason_of(error: Exception) -> str:
    """A server's own words may repeat what we sent it, the password too."""
    if isinstance(error, MasterNotFoundError):
        return "no Sentinel names a master of that service"
    if isinstance(error, RedisAway | RedisLate | OSError):
        return str(error) or type(error).__name__
    return f"Redis answers with an error: {type(error).__name__}"
