"""The other nodes on the same database: how they are told of, and what this one does with what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.bus.catching_up import CatchingUp
from bridge.bus.port import Bus, InProcess, Missed, News, Passing, Revoked, Woken
from bridge.config import Config
from bridge.config_sections import Bus as BusSection
from bridge.errors import Unavailable
from bridge.gateway.clients import Clients
from bridge.gateway.hub import Hub
from bridge.gateway.tokens.revocations import Revocation, Revocations
from bridge.protocol.realtime import codes
from bridge.publish.submitter import Submitter


class Unheard(InProcess):
    """Without a bus, nodes find out from the database alone what is new."""

    healthy = False


def bus_of(config: Config) -> Bus:
    """What carries this node's news to the others, if there may be any."""
    if config.bus.url:
        from bridge.bus.redis import RedisBus  # noqa: PLC0415 # its library takes time to import

        return RedisBus(config.bus, network=config.network.name, node=config.daemon.number)
    return InProcess() if is_alone(config) else Unheard()


def is_alone(config: Config) -> bool:
    """Whether no other node can be on the database: SQLite's file has one process."""
    return config.database.url.startswith("sqlite:")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`following` is there where publications come from another node, the submitter where others' events are carried.

    `revoked` reads all revocations that are on disk.
    """

    section: BusSection
    bus: Bus
    hub: Hub
    following: CatchingUp | None
    submitter: Submitter | None
    revocations: Revocations
    revoked: Callable[[], Awaitable[Sequence[Revocation]]]
    clients: Clients
    _missed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Hear the others until cancelled; while the bus can't be relied on, look into the database instead."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.bus.run(self._take), name="bus")
            group.create_task(self._look(), name="neighbours")
            if self.following is not None:
                group.create_task(self.following.run(), name="following")

    def _take(self, news: Sequence[News]) -> None:
        if self.following is not None:
            self.following.take(news)
        for each in news:
            match each:
                case Passing(channel, data) if self.following is None:
                    self.hub.publish(channel, data, offset=None)
                case Woken(refs) if self.submitter is not None:
                    self.submitter.wake(refs)
                case Revoked("user" | "jti" as kind, name, at_ms, until_ms):
                    self._learn([Revocation(kind, name, at_ms, until_ms)])
                case Missed():
                    self._missed.set()

    async def _look(self) -> None:
        while True:
            self._missed.clear()
            with suppress(Unavailable):  # the next look is soon enough
                self._learn(await self.revoked())
                if self.submitter is not None:
                    self.submitter.wake(await self.submitter.waiting())
            if self.bus.healthy:
                await self._missed.wait()
            else:
                await asyncio.sleep(self.section.poll_interval_s)

    def _learn(self, rows: Iterable[Revocation]) -> None:
        """Whom they cover is sent away, as where it was revoked."""
        for row in self.revocations.learn(rows):
            of_name = self.clients.of_user(row.name) if row.kind == "user" else self.clients.of_jti(row.name)
            for client in of_name:
                if self.revocations.cover(self.clients.claims_of(client)):
                    client.disconnect(codes.FORCE_DISCONNECT)
