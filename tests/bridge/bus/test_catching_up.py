"""A gateway hands on each publication once, whatever becomes of the bus, of the database and of the sender."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.bus.catching_up import CatchingUp
from bridge.bus.port import Bus, InProcess, Missed, Passing, Published, Woken
from bridge.bus.redis import RedisBus
from bridge.config_sections import Bus as BusSection
from bridge.errors import Unavailable
from bridge.gateway.hub import Frame, Hub
from bridge.protocol.realtime.recovery import Publication
from bridge.supervise import supervised
from tests.bridge.bus.nodes import node, port_of, section
from tests.rooms import until
from tests.servers import redis_server

CHANNEL = "campaign:c1"
SELDOM = BusSection(poll_interval_s=0.02, check_interval_s=3600)
"""Nothing but what a test does makes it look into the database."""
PAGE = 3


@dataclass
class Store:
    """Committed publications: offset n's data is n; and how often they were asked for."""

    committed: dict[str, list[int]] = field(default_factory=dict)
    away: bool = False
    refused: int = 0
    polls: list[Sequence[str]] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)

    def commit(self, offset: int, *, channel: str = CHANNEL) -> Published:
        """The news of it are still to be told."""
        before = self.committed.setdefault(channel, [])
        before.append(offset)
        return Published(channel, offset, ([0, *before])[-2], str(offset).encode())

    async def tops(self, channels: Sequence[str]) -> Mapping[str, int]:
        await self._asked()
        self.polls.append(channels)
        return {channel: self.committed[channel][-1] for channel in channels if channel in self.committed}

    async def read(self, channel: str, since: int) -> Sequence[Publication]:
        await self._asked()
        self.reads.append(since)
        return [Publication(each, str(each).encode()) for each in self.committed[channel] if each > since][:PAGE]

    async def _asked(self) -> None:
        await asyncio.sleep(0)
        if self.away:
            self.refused += 1
            raise Unavailable("the database", "it is away")


class Subscriber:
    """What it got: the offsets, each with its data; of a push without offset its data."""

    def __init__(self) -> None:
        self.got: list[object] = []

    def deliver(self, frame: Frame) -> None:
        for line in frame.payload.splitlines():
            pub = json.loads(line)["push"]["pub"]
            self.got.append(pub.get("offset", pub["data"]))
            assert pub.get("offset", pub["data"]) == pub["data"]

    deliver_last = deliver

    def overflow(self) -> None:
        raise AssertionError


class Gateway:
    """The part of it that there is to see: a hub, its subscribers, and what keeps them up to date."""

    def __init__(self, store: Store, configured: BusSection = SELDOM, bus: Bus | None = None) -> None:
        self.hub, self.store = Hub(), store
        self.catching_up = CatchingUp(
            configured, bus or InProcess(), self.hub.publish, self.hub.channels, tops=store.tops, read=store.read
        )

    def subscribe(self, channel: str = CHANNEL) -> Subscriber:
        subscriber, top = Subscriber(), self.store.committed.get(channel, [0])[-1]
        self.hub.subscribe(channel, subscriber)
        assert self.catching_up.start(channel, top)
        self.hub.go_live(channel, subscriber, after=top)
        return subscriber

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with supervised({"catching up": self.catching_up.run}):
            await asyncio.sleep(0)
            yield


async def test_news_without_a_gap_ask_nothing_of_the_database() -> None:
    gateway = Gateway(store := Store())
    subscriber = gateway.subscribe()
    async with gateway.running():
        news = [store.commit(offset) for offset in (1, 3, 4)]
        gateway.catching_up.take([*news, news[0], Passing(CHANNEL, b'"soon"'), Woken(("c1",))])
        await until(lambda: subscriber.got == [1, 3, 4, "soon"])
    assert store.reads == []


async def test_a_gap_is_read_page_after_page() -> None:
    gateway = Gateway(store := Store())
    subscriber = gateway.subscribe()
    async with gateway.running():
        last = [store.commit(offset) for offset in range(1, 9)][-1]
        gateway.catching_up.take([last])
        await until(lambda: subscriber.got == list(range(1, 9)))
    assert store.reads == [0, 3, 6]


async def test_news_of_a_channel_without_subscribers_leave_nothing_behind() -> None:
    gateway = Gateway(store := Store())
    gateway.catching_up.take([store.commit(2)])
    async with gateway.running():
        subscriber = gateway.subscribe()
        gateway.catching_up.take([store.commit(3)])
        await until(lambda: subscriber.got == [3])
        gateway.hub.unsubscribe(CHANNEL, subscriber)
        for _ in range(2):  # the second look began without it
            polls = len(store.polls)
            gateway.catching_up.take([Missed()])
            gateway.subscribe("user:7")
            await until(lambda: len(store.polls) > polls)  # noqa: B023 # it is awaited here
    assert store.polls[-1] == ["user:7"]
    assert store.reads == []


async def test_one_look_tells_of_every_channel_that_something_was_missed() -> None:
    gateway = Gateway(store := Store())
    channels = [f"user:{number}" for number in range(20)]
    subscribers = [gateway.subscribe(channel) for channel in channels]
    async with gateway.running():
        await until(lambda: store.polls == [channels])
        for channel in channels[:10]:
            store.commit(5, channel=channel)
        gateway.catching_up.take([Missed()])
        await until(lambda: [each.got for each in subscribers] == [[5]] * 10 + [[]] * 10)
    assert store.polls == [channels, channels]
    assert len(store.reads) == 10


async def test_what_nobody_told_of_is_found_at_the_next_check() -> None:
    gateway = Gateway(store := Store(), BusSection(poll_interval_s=0.02, check_interval_s=0.1))
    subscriber = gateway.subscribe()
    async with gateway.running():
        store.commit(1)
        await until(lambda: subscriber.got == [1])


async def test_a_database_that_is_away_is_asked_again() -> None:
    gateway = Gateway(store := Store())
    subscriber = gateway.subscribe()
    async with gateway.running():
        store.away = True
        store.commit(1)
        gateway.catching_up.take([store.commit(2), Missed()])
        await until(lambda: store.refused > 3)
        store.away = False
        await until(lambda: subscriber.got == [1, 2])


async def test_redis_restarted_under_way_each_publication_comes_once_and_in_order(tmp_path: Path) -> None:
    store, through = Store(), asyncio.Event()
    async with AsyncExitStack() as stack:
        with redis_server(tmp_path) as url:
            configured = section(url, poll_interval_s=0.05, check_interval_s=3600)
            sender, bus = node(configured, 1), RedisBus(configured, network="devnet", node=2)
            gateway = Gateway(store, configured, bus)
            subscriber = gateway.subscribe()

            async def publish() -> None:
                while not through.is_set():
                    sender.bus.publish([store.commit(len(store.committed.get(CHANNEL, [])) + 1)])
                    await asyncio.sleep(0.002)
                await asyncio.Event().wait()

            await stack.enter_async_context(sender.running())
            rooms = {"bus": lambda: bus.run(gateway.catching_up.take), "catching up": gateway.catching_up.run}
            await stack.enter_async_context(supervised({**rooms, "publishing": publish}))
            await until(lambda: bus.healthy and len(subscriber.got) > 100)
        await until(lambda: not bus.healthy)
        polls, had = len(store.polls), len(subscriber.got)
        await until(lambda: len(store.polls) > polls + 3 and len(subscriber.got) > had + 50)  # the database alone
        with redis_server(tmp_path, port=port_of(url)):
            await until(lambda: bus.healthy and sender.bus.healthy)
            reads, had = len(store.reads), len(subscriber.got)
            await until(lambda: len(subscriber.got) > had + 200)
            assert len(store.reads) < reads + 20  # news again
            through.set()
            await until(lambda: subscriber.got[-1] == store.committed[CHANNEL][-1])
            await stack.aclose()
    assert subscriber.got == store.committed[CHANNEL]
