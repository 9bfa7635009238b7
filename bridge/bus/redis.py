"""The bus over Redis or Valkey: Pub/Sub in one Redis channel, on two connections, one that talks and one that listens.

A node hears itself, too, and by that knows that the bus works: both ways, and by way of the server that the others use.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import msgspec
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisLate

from bridge.bus.port import Deliver, Missed, News
from bridge.config_sections import Bus as BusSection
from bridge.counts import count
from bridge.errors import Unavailable
from bridge.log import get_logger
from bridge.redis_client import connected, ended, heed_cancellation, reason_of

log = get_logger(__name__)

FIRST_RETRY_S = 0.1
BEATS = 3
"""So often within `timeout_s` a node that has nothing to tell says that it is there."""
NOBODY = -1
"""In the place of a node's number: of no daemon."""
HINT = "see that the server of bus.url runs, and knows the user and the password"

_encode = msgspec.msgpack.Encoder().encode
_opened = msgspec.msgpack.Decoder(tuple[int, msgspec.Raw]).decode  # whose, and what: one's own are left closed
_news = msgspec.msgpack.Decoder(tuple[News, ...]).decode


class RedisBus:
    """The node with this number, among those of one bridge: they have the same network, and the same `prefix`."""

    def __init__(self, section: BusSection, *, network: str, node: int) -> None:
        self._section = section
        self._channel = f"{section.prefix}:{network}"
        self._node = node
        self._pending: deque[News] = deque()
        self._something = asyncio.Event()
        self._lossy = True  # whether the others have to be told that they missed something
        self._healthy: bool | None = None  # None: not known yet
        self._failures = 0  # in a row
        self._dropped = 0  # since it was healthy last

    @property
    def healthy(self) -> bool:
        """Whether what this node says comes back."""
        return self._healthy is True

    def publish(self, news: Sequence[News]) -> None:
        """Have them told, behind those that wait. What is above `max_pending` is dropped; with Redis gone, all."""
        room = self._section.max_pending - len(self._pending) if self._healthy else 0
        self._pending.extend(news[:room])
        if len(news) > room:
            self._drop(len(news) - room)
        self._something.set()

    async def run(self, deliver: Deliver) -> None:
        """One session after another."""
        while True:
            try:
                await self._session(deliver)
            except (RedisError, OSError) as error:
                heed_cancellation()
                self._away(error, deliver)
            else:
                heed_cancellation()
            self._failures += 1
            await asyncio.sleep(min(self._section.reconnect_max_s, FIRST_RETRY_S * 2 ** min(self._failures, 16)))

    async def _session(self, deliver: Deliver) -> None:
        async with connected(self._section) as redis, redis.pubsub() as ears:
            await ears.subscribe(self._channel)
            await self._heard(ears)  # from here on nothing is missed
            heed_cancellation()
            self._lossy = True
            both = [asyncio.create_task(self._talk(redis)), asyncio.create_task(self._listen(ears, deliver))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:  # no TaskGroup: it hides a cancellation that comes when a child fails, and asks each once
                await ended(both)
            for each in both:
                if not each.cancelled():
                    each.result()

    async def _talk(self, redis: Redis) -> None:
        while True:
            batch = list(islice(self._pending, self._section.max_batch))
            lossy, self._lossy = self._lossy, False
            await redis.publish(self._channel, _encode((self._node, [Missed(), *batch] if lossy else batch)))
            for _ in batch:
                self._pending.popleft()
            if not self._pending:
                self._something.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._section.timeout_s / BEATS):
                        await self._something.wait()

    async def _listen(self, ears: PubSub, deliver: Deliver) -> None:
        while True:
            try:
                node, news = _opened(await self._heard(ears))
                if node != self._node:
                    deliver(_news(news))
                elif not self._healthy:
                    self._back(deliver)
            except msgspec.DecodeError:  # a later version's, or not of ours at all
                count("bus", "unreadable")
                deliver([Missed()])

    async def _heard(self, ears: PubSub) -> Any:
        message = await ears.get_message(timeout=self._section.timeout_s)
        if message is None:
            raise RedisLate(f"nothing was heard for {self._section.timeout_s:g} s")
        return message["data"]

    def _drop(self, number: int) -> None:
        self._lossy = True
        self._dropped += number
        count("bus", "dropped", by=number)

    def _back(self, deliver: Deliver) -> None:
        self._healthy = True
        self._failures = 0
        log.info("bus works", dropped=self._dropped)
        self._dropped = 0
        deliver([Missed()])
        self._something.set()  # what was dropped since the session began is not told yet

    def _away(self, error: Exception, deliver: Deliver) -> None:
        if self._pending:
            self._drop(len(self._pending))
            self._pending.clear()
        if self._healthy is not False:
            self._healthy = False
            log.warning("bus is away", reason=reason_of(error), hint=HINT)
            deliver([Missed()])


async def sound(section: BusSection, *, network: str) -> float:
    """How long a word that tells nothing takes to come back, in seconds. Raises Unavailable."""
    channel = f"{section.prefix}:{network}"
    try:
        async with connected(section) as redis, redis.pubsub() as ears, asyncio.timeout(section.timeout_s):
            await ears.subscribe(channel)
            word, began_s = _encode((NOBODY, [])), time.monotonic()
            await redis.publish(channel, word)
            async for message in ears.listen():
                if message["data"] == word:
                    return time.monotonic() - began_s
        raise RedisAway("the subscription ended")
    except (RedisError, OSError) as error:  # TimeoutError is an OSError
        raise Unavailable("the bus", reason_of(error), hint=HINT) from error
