"""What a gateway does with the news of publications: hands on each once and in order, and reads those it missed.

Beside `run` it needs one word from each subscription, so that nothing falls between its history and what is live:

    hub.subscribe(channel, subscriber)
    while not catching_up.start(channel, (top := await history.top(channel)).offset):
        pass
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol, TypeAlias

from bridge.bus.places import Places
from bridge.bus.port import Bus, Missed, News, Passing, Published
from bridge.config_sections import Bus as BusSection
from bridge.errors import Unavailable
from bridge.log import Seldom, get_logger
from bridge.protocol.realtime.recovery import Publication

log = get_logger(__name__)

Tops: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]
"""The offsets where these channels end now, in one query. May raise Unavailable."""
Read: TypeAlias = Callable[[str, int], Awaitable[Sequence[Publication]]]
"""Of a channel behind an offset, ascending, from the first on: as many as are read at once. May raise Unavailable."""


class HandOn(Protocol):
    """As the hub does."""

    def __call__(self, channel: str, data: bytes, *, offset: int | None) -> object:
        """Give it to whoever is subscribed; it must not raise."""


class CatchingUp:
    """`subscribed`: the channels with subscribers here, as they are at any time."""

    def __init__(
        self, section: BusSection, bus: Bus, hand_on: HandOn, subscribed: Container[str], *, tops: Tops, read: Read
    ) -> None:
        self._section = section
        self._bus = bus
        self._hand_on = hand_on
        self._subscribed = subscribed
        self._tops = tops
        self._read = read
        self._places = Places()
        self._missed = asyncio.Event()
        self._gaps = asyncio.Event()
        self._seldom = Seldom()

    def start(self, channel: str, top: int) -> bool:
        """A subscriber that is registered found this top; False: another has found a higher one, so read it again."""
        started = self._places.start(channel, top)
        self._look()
        return started

    def take(self, news: Sequence[News]) -> None:
        """What others tell, and what this node itself has published. What isn't about channels is left to others."""
        for each in news:
            match each:
                case Published(channel, offset, before, data) if channel in self._subscribed:
                    if self._places.take(channel, offset, before):
                        self._hand_on(channel, data, offset=offset)
                case Passing(channel, data):
                    self._hand_on(channel, data, offset=None)
                case Missed():
                    self._missed.set()
        self._look()

    async def run(self) -> None:
        """Look into the database where the news don't suffice, over every outage."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._poll())
            both.create_task(self._catch_up())

    async def _poll(self) -> None:
        while True:
            self._missed.clear()
            self._places.keep(self._subscribed)
            with self._patience():
                if channels := self._places.channels():
                    self._places.told(await self._tops(channels))
            self._look()
            await asyncio.sleep(self._section.poll_interval_s)
            if self._bus.healthy and not self._places.behind:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._section.check_interval_s):
                        await self._missed.wait()

    async def _catch_up(self) -> None:
        while True:
            await self._gaps.wait()
            self._gaps.clear()
            with self._patience():
                while gaps := self._places.gaps():
                    for gap in gaps:
                        for publication in self._places.read(gap, await self._read(gap.channel, gap.since)):
                            self._hand_on(gap.channel, publication.data, offset=publication.offset)

    def _look(self) -> None:
        if self._places.behind:
            self._gaps.set()

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """The next look is soon enough."""
        try:
            yield
        except Unavailable as error:
            if times := self._seldom.due("unavailable"):
                log.warning("catching up waits", reason=str(error), times=times)
