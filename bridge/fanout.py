"""To whoever is subscribed, here or at another node: this node's hub, and the bus to those of the others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.bus.catching_up import CatchingUp
from bridge.bus.port import Bus, InProcess, Passing, Published
from bridge.gateway.hub import Hub
from bridge.log import get_logger, tells_details
from bridge.relay.store import News
from bridge.tracing import Tracer, event_of

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Fanout:
    """`following` is there where publications come from other nodes, too: it gives subscribers all in order."""

    hub: Hub
    bus: Bus
    tracer: Tracer | None
    following: CatchingUp | None

    def heard(self, channel: str) -> bool:
        """Whether anybody may hear what is passing there."""
        return self.following is not None or self.hub.subscribers(channel) > 0

    def pass_on(self, channel: str, data: bytes) -> None:
        """A push without a place in its channel."""
        self.hub.publish(channel, data, offset=None)
        self.bus.publish([Passing(channel, data)])

    def deliver(self, news: Sequence[News]) -> None:
        """Publications that are on record now."""
        began_ns = time.time_ns()
        if tells_details(__name__):
            for item in news:
                log.debug("event relayed", id=event_of(item.publication.data), offset=item.publication.offset)
        if self.following is None:
            for item in news:
                self.hub.publish(item.channel, item.publication.data, offset=item.publication.offset)
        else:
            told = [_published(item) for item in news]
            self.following.take(told)
            self.bus.publish(told)
        if self.tracer is not None:
            self.tracer.relayed(news, began_ns)


def only_here(hub: Hub) -> Fanout:
    """To this process's subscribers alone."""
    return Fanout(hub, InProcess(), None, None)


def _published(item: News) -> Published:
    return Published(item.channel, item.publication.offset, item.before, item.publication.data)
