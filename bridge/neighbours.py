"""The other nodes on the same database: how they are told of, and what this one does with what they tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bridge.bus.catching_up import CatchingUp
from bridge.bus.clients import OthersClients
from bridge.bus.port import (
    Answered,
    Asked,
    Bus,
    InProcess,
    Missed,
    Moved,
    News,
    Passing,
    Refresh,
    Revoked,
    Unsubscribe,
    Woken,
)
from bridge.config import Config
from bridge.config_sections import Bus as BusSection
from bridge.errors import ConfigInvalid, ConfigProblem, Unavailable
from bridge.gateway.shared import Rooms
from bridge.gateway.tokens.revocations import Revocation
from bridge.protocol.realtime import codes
from bridge.publish.submitter import Submitter


class Unheard(InProcess):
    """Without a bus, nodes find out from the database alone what is new."""

    healthy = False


def bus_of(config: Config) -> Bus:
    """What carries this node's news to the others, if there may be any."""
    if config.bus.url:
        try:
            from bridge.bus.redis import RedisBus  # noqa: PLC0415 # its library is an extra
        except ImportError as error:
            rule = f"{error}: pip install 'hcs-bridge[redis]'"
            raise ConfigInvalid([ConfigProblem("configuration", "bus.url", "(hidden)", rule)]) from error
        return RedisBus(config.bus, network=config.network.name, node=config.daemon.number)
    return InProcess() if is_alone(config) else Unheard()


def is_alone(config: Config) -> bool:
    """Whether no other node can be on the database: SQLite's file has one process."""
    return config.database.url.startswith("sqlite:")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`following` and `others` are there where there may be other nodes, the submitter where others' events are
    carried. `rooms` are those of this node's clients.

    `revoked` reads all revocations that are on disk.
    """

    section: BusSection
    bus: Bus
    rooms: Rooms
    following: CatchingUp | None
    others: OthersClients | None
    submitter: Submitter | None
    revoked: Callable[[], Awaitable[Sequence[Revocation]]]
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
                    self.rooms.hub.publish(channel, data, offset=None)
                case Woken(refs) if self.submitter is not None:
                    self.submitter.wake(refs)
                case Revoked("user" | "jti" as kind, name, at_ms, until_ms):
                    self._learn([Revocation(kind, name, at_ms, until_ms)])
                case Missed():
                    self._missed.set()
                case _:
                    self._about_clients(each)

    def _about_clients(self, each: News) -> None:
        """What was asked of all nodes, as where it was asked."""
        clients, presence = self.rooms.clients, self.rooms.presence
        match each:
            case Unsubscribe(user, channel):
                clients.unsubscribe(user, channel)
            case Refresh(user, expires_ms):
                clients.refresh(user, expires_ms)
            case Moved(channel, client, user, joined):
                presence.tell(channel, client, user, joined=joined)
            case Asked() if self.others is not None:
                self.others.answer(each, presence.here(each.channel))
            case Answered() if self.others is not None:
                self.others.take(each)

    async def _look(self) -> None:
        while True:
            self._missed.clear()
            with suppress(Unavailable):  # the next look is soon enough
                self._learn(await self.revoked())
                if self.submitter is not None:
                    await self.submitter.look()
            if self.bus.healthy:
                await self._missed.wait()
            else:
                await asyncio.sleep(self.section.poll_interval_s)

    def _learn(self, rows: Iterable[Revocation]) -> None:
        """Whom they cover is sent away, as where it was revoked."""
        revocations, clients = self.rooms.authenticator.revocations, self.rooms.clients
        for row in revocations.learn(rows):
            for client in clients.of_user(row.name) if row.kind == "user" else clients.of_jti(row.name):
                if revocations.cover(clients.claims_of(client)):
                    client.disconnect(codes.FORCE_DISCONNECT)
