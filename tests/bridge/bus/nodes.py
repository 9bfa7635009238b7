"""Nodes on a bus, for tests: each with what it was told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from bridge.bus.port import Bus, InProcess, Missed, News
from bridge.bus.redis import RedisBus
from bridge.config_sections import Bus as BusSection
from bridge.supervise import supervised
from tests.rooms import until


def section(url: str, **given: Any) -> BusSection:
    """As configured; back within a moment once Redis is."""
    return BusSection(url=url, **{"reconnect_max_s": 0.2, **given})


@dataclass
class Node:
    """A bus and what came over it, without the word that something may have been missed."""

    bus: Bus = field(default_factory=InProcess)
    heard: list[News] = field(default_factory=list)
    missed: int = 0

    def deliver(self, news: Sequence[News]) -> None:
        self.missed += sum(isinstance(each, Missed) for each in news)
        self.heard += [each for each in news if not isinstance(each, Missed)]

    @asynccontextmanager
    async def running(self, *, healthy: bool = True) -> AsyncIterator[None]:
        """Until it is as it should be, and then until the end."""
        async with supervised({"bus": lambda: self.bus.run(self.deliver)}):
            await until(lambda: self.bus.healthy is healthy)
            yield


class Said(InProcess):
    """A bus on which a test hears for itself what is said."""

    def __init__(self) -> None:
        self.healthy = True
        self.news: list[News] = []

    def publish(self, news: Sequence[News]) -> None:
        self.news += news


def node(configured: BusSection, number: int, *, network: str = "devnet") -> Node:
    """One of several with this configuration."""
    return Node(RedisBus(configured, network=network, node=number))


@asynccontextmanager
async def two_nodes(configured: BusSection) -> AsyncIterator[tuple[Node, Node]]:
    """Both running, each able to hear the other."""
    one, other = node(configured, 1), node(configured, 2)
    async with one.running(), other.running():
        yield one, other


def port_of(url: str) -> int:
    """That of a server of the test's."""
    port = urlsplit(url).port
    assert port is not None
    return port
