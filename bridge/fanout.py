"""To whoever is subscribed, here or at another node: this node's hub, and the bus to those of the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.bus.port import Bus, InProcess, Passing, Published
from bridge.gateway.hub import Hub
from bridge.relay.store import News
from bridge.tracing import Tracer


@dataclass(frozen=True, slots=True)
class Fanout:
    """`alone`: there is no other node, so that only this one's subscribers count."""

    hub: Hub
    bus: Bus
    tracer: Tracer | None
    alone: bool

    def heard(self, channel: str) -> bool:
        """Whether anybody may hear what is passing there."""
        return not self.alone or self.hub.subscribers(channel) > 0

    def pass_on(self, channel: str, data: bytes) -> None:
        """A push without a place in its channel."""
        self.hub.publish(channel, data, offset=None)
        self.bus.publish([Passing(channel, data)])

    def deliver(self, news: Sequence[News]) -> None:
        """Publications that are on record now."""
        began_ns = time.time_ns()
        for item in news:
            self.hub.publish(item.channel, item.publication.data, offset=item.publication.offset)
        if not self.alone:
            self.bus.publish([_published(item) for item in news])
        if self.tracer is not None:
            self.tracer.relayed(news, began_ns)


def only_here(hub: Hub) -> Fanout:
    """To this process's subscribers alone."""
    return Fanout(hub, InProcess(), None, alone=True)


def _published(item: News) -> Published:
    return Published(item.channel, item.publication.offset, item.before, item.publication.data)
