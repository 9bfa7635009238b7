"""Lets the mirror's streams sleep until there may be something new to them, and time go on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from topics.devnet.network import Network
from topics.devnet.record import Record
from topics.values import NANOS, TopicId

TICK_S = 0.02
"""How often the network is looked at while a stream is open: REST moves it by being asked, a stream asks once only.

Sooner where something is due sooner: a mirror's stream has a message when the mirror has it.
"""
SHORTEST_S = 0.001


class Watch:
    """One for all mirrors of a network. Nothing ticks while nobody waits."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._waiting: dict[TopicId, set[asyncio.Event]] = {}
        self._somebody = asyncio.Event()
        network.mirror.on_import.append(self._imported)

    async def run(self) -> None:
        """Move the network on for as long as somebody waits. Ends by cancellation."""
        while True:
            await self._somebody.wait()
            now_ns = self._network.settings.clock()
            self._network.advance(now_ns)
            next_ns = self._network.next_ns()
            wait_s = TICK_S if next_ns is None else (next_ns - now_ns) / NANOS
            await asyncio.sleep(min(max(wait_s, SHORTEST_S), TICK_S))

    @contextmanager
    def on(self, topic_id: TopicId) -> Iterator[asyncio.Event]:
        """An event that is set whenever the mirror imports a message of the topic. Clear it before looking."""
        event = asyncio.Event()
        self._waiting.setdefault(topic_id, set()).add(event)
        self._somebody.set()
        try:
            yield event
        finally:
            self._waiting[topic_id].discard(event)
            if not self._waiting[topic_id]:
                del self._waiting[topic_id]
            if not self._waiting:
                self._somebody.clear()

    async def wait(self, event: asyncio.Event, *, polling: bool = False) -> None:
        """Until the event is set; with `polling` no longer than a tick, for what comes by time alone."""
        if not polling:
            await event.wait()
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), TICK_S)

    def wake_all(self) -> None:
        """Let every stream look again."""
        for events in self._waiting.values():
            for event in events:
                event.set()

    def _imported(self, record: Record) -> None:
        if record.message is not None:
            for event in self._waiting.get(record.message.topic_id, ()):
                event.set()
