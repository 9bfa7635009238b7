"""Topics that are followed live: a gRPC subscription each, renewed whatever ends it, and never trusted alone."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from topics.errors import TopicsError, Unavailable
from topics.mirror.host import Hosts, State
from topics.mirror.payers import Payers
from topics.mirror.pool import Pool, PoolFull
from topics.mirror.rest import Mirror
from topics.mirror.settings import StreamSettings
from topics.mirror.subscription import Connection, StreamAddress, StreamEnded
from topics.values import START, AccountId, Position, TopicId, TopicMessage

log = logging.getLogger(__name__)

OF_ONE_SUBSCRIPTION = frozenset({"OK", "NOT_FOUND", "DEADLINE_EXCEEDED", "INVALID_ARGUMENT", "CANCELLED"})
"""Ends that say nothing of the mirror."""

ResumeAt = Callable[[], Awaitable[Position | None]]
"""The position up to which a topic was taken; None: it is followed no more."""


class Streams:
    """Subscriptions to the mirrors at `addresses`, the first wanted most; `payer` is our own account. `close()` it.

    REST (`mirror`) decides whether a silent stream has missed something, fills what a stream leaves out, and names
    payers that gRPC doesn't (see `payers`). Hand in the `hosts` that the mirror has, so that both keep one pace.
    """

    def __init__(
        self,
        addresses: Sequence[StreamAddress],
        settings: StreamSettings,
        *,
        mirror: Mirror,
        payer: AccountId,
        hosts: Hosts | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        hosts = Hosts(settings) if hosts is None else hosts
        self._settings = settings
        self._pools = [Pool(each, settings, hosts.of(each.address, side="streams")) for each in addresses]
        self._mirror = mirror
        self._payer = payer
        self._draw = draw
        self._followed: dict[TopicId, _Followed] = {}
        self.from_rest = 0
        """Messages that came by REST because a subscription owed them."""

    @property
    def capacity(self) -> int:
        """How many topics can be followed at a time."""
        return self._settings.calls_per_connection * self._settings.max_connections if self._pools else 0

    @property
    def calls(self) -> list[int]:
        """How many subscriptions each open connection carries."""
        return [calls for pool in self._pools for calls in pool.calls]

    @property
    def is_up(self) -> bool:
        """Whether some mirror's gRPC side works, as far as is known. If not, REST carries everything."""
        return any(pool.host.state is not State.DOWN for pool in self._pools)

    async def follow(self, topic_id: TopicId, resume_at: ResumeAt) -> AsyncGenerator[TopicMessage]:
        """The topic's messages behind `resume_at`, in order and with their payers, until that is None; not verified.

        Reads no further than is asked for: a slow reader holds up the mirror. After every end it subscribes again
        behind `resume_at`, so what was handed on and not taken comes once more. A long history is read faster by REST.
        Close it (`aclosing`). Raises PoolFull if `capacity` topics are followed, ValueError if this one is.
        """
        if topic_id in self._followed:
            raise ValueError(f"topic {topic_id} is followed already")
        if len(self._followed) >= self.capacity:
            raise PoolFull("the mirrors' streams", f"all {self.capacity} subscriptions are in use")
        followed = self._followed[topic_id] = _Followed(topic_id, resume_at, Payers(self._mirror, self._payer))
        failures = 0
        try:
            while (position := await resume_at()) is not None:
                began, followed.position, followed.owed = time.monotonic(), position, True
                async with aclosing(self._subscription(self._pool(), followed)) as messages:
                    async for message in messages:
                        yield message
                lasted_s = time.monotonic() - began
                if followed.position != position or lasted_s > self._settings.backoff_max_s:
                    failures = 0
                if followed.owed and lasted_s < self._settings.stream_timeout_s:
                    await asyncio.sleep(self._pause_s(failures))
                    failures += 1
        finally:
            del self._followed[topic_id]

    def check(self, topic_id: TopicId) -> None:
        """Something else has shown more of the topic than came here: as if it had been silent for `stream_idle_s`."""
        if (followed := self._followed.get(topic_id)) is not None:
            followed.end_silence()

    async def close(self) -> None:
        """Close every connection; who still follows subscribes anew, so stop that first."""
        for pool in self._pools:
            await pool.close()

    async def _subscription(self, pool: Pool, followed: _Followed) -> AsyncGenerator[TopicMessage]:
        """One, to its end. `owed` tells whether the mirror ended it: if so, a pause is due."""
        try:
            async with pool.place() as connection:
                await pool.host.turn()
                async with aclosing(self._listen(pool, connection, followed)) as messages:
                    async for message in messages:
                        yield message
                followed.owed = False
                if await followed.resume_at() is None:
                    return  # nobody waits for it any more: REST isn't bothered
                missed = await self._missed(followed)
                if missed:
                    await pool.retire(connection)  # it looks alive, and isn't
                else:
                    pool.host.answered(time.monotonic())
                for message in missed:
                    yield message
        except StreamEnded as end:
            if end.status in OF_ONE_SUBSCRIPTION:
                pool.host.answered(time.monotonic())
            else:
                pool.host.failed(time.monotonic(), end.reason)
        except TopicsError as error:  # of REST, or a malformed message
            log.debug("topic %s: %s", followed.topic_id, error)

    async def _listen(self, pool: Pool, connection: Connection, followed: _Followed) -> AsyncGenerator[TopicMessage]:
        """What one subscription brings, until it is silent for too long. Raises TopicsError for every other end."""
        timeout_s = self._settings.stream_timeout_s * (1 + self._draw() / 2)
        from_ns = followed.position.consensus_ns + 1
        subscribed = connection.subscribe(followed.topic_id, from_ns=from_ns, timeout_s=timeout_s)
        async with aclosing(subscribed) as messages:
            while True:
                try:
                    async with asyncio.timeout(self._settings.stream_idle_s) as followed.silence:
                        message = await anext(messages)
                except TimeoutError:
                    return
                finally:
                    followed.silence = None
                pool.host.answered(time.monotonic())
                while message.sequence > followed.position.sequence + 1:
                    missed = await self._missed(followed)
                    if not missed:
                        what = f"left out message {followed.position.sequence + 1} of {followed.topic_id}"
                        raise Unavailable(str(pool), what)
                    for each in missed:
                        yield each
                if message.sequence == followed.position.sequence + 1:
                    named = await followed.payers.named(message, previous=followed.position.running_hash)
                    followed.reached(named)
                    yield named

    async def _missed(self, followed: _Followed) -> list[TopicMessage]:
        """What REST has behind the last message, one page of it."""
        missed = await self._mirror.messages(followed.topic_id, after=followed.position.sequence)
        if missed:
            followed.reached(missed[-1])
        self.from_rest += len(missed)
        return missed

    def _pool(self) -> Pool:
        """The first that isn't backing off; else the one that is ready soonest."""
        return min(self._pools, key=Pool.back_in_s)

    def _pause_s(self, failures: int) -> float:
        most_s = min(self._settings.backoff_initial_s * 2.0 ** min(failures, 32), self._settings.backoff_max_s)
        return max(self._draw() * most_s, self._pool().back_in_s() * (1 + self._draw() / 2))


@dataclass(slots=True)
class _Followed:
    """A topic that is followed: its last message, and whether a pause is due before it is subscribed to again."""

    topic_id: TopicId
    resume_at: ResumeAt
    payers: Payers
    position: Position = START
    owed: bool = True
    silence: asyncio.Timeout | None = None

    def reached(self, message: TopicMessage) -> None:
        self.position = Position(message.sequence, message.consensus_ns, message.running_hash)

    def end_silence(self) -> None:
        if self.silence is not None and not self.silence.expired():
            self.silence.reschedule(asyncio.get_running_loop().time())
