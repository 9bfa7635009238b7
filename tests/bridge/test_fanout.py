"""To whom what goes: subscribers here, and the other daemons where there may be any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.bus.catching_up import CatchingUp
from bridge.bus.port import InProcess, News, Passing, Published
from bridge.config_sections import Bus
from bridge.fanout import Fanout, only_here
from bridge.gateway.hub import Frame, Hub
from bridge.protocol.realtime.recovery import Publication
from bridge.relay.store import News as Stored


class Listener:
    """Counts what it gets."""

    def __init__(self) -> None:
        self.frames = 0

    def deliver(self, _frame: Frame) -> None:
        self.frames += 1

    deliver_last = deliver

    def overflow(self) -> None:
        raise AssertionError("too much")


class Recorded(InProcess):
    """A bus that keeps what it is to carry."""

    def __init__(self) -> None:
        self.told: list[News] = []

    def publish(self, news: Sequence[News]) -> None:
        self.told += news


async def not_asked(*_what: object) -> Any:
    raise AssertionError("the database is asked")


def test_alone_nothing_is_made_for_nobody() -> None:
    hub, listener = Hub(later=lambda flush: flush()), Listener()
    fanout = only_here(hub)
    assert not fanout.heard("campaign:1")
    hub.subscribe("campaign:1", listener)
    hub.go_live("campaign:1", listener, after=0)
    assert fanout.heard("campaign:1")
    fanout.pass_on("campaign:1", b"{}")
    fanout.deliver([Stored("campaign:1", Publication(1000, b"{}"), 0)])
    assert listener.frames == 2


def test_others_are_told_what_they_may_have_subscribers_for() -> None:
    bus = Recorded()
    hub = Hub()
    following = CatchingUp(Bus(), bus, hub.publish, hub.channels, tops=not_asked, read=not_asked)
    fanout = Fanout(hub, bus, None, following)
    assert fanout.heard("campaign:1")
    fanout.pass_on("campaign:1", b"{}")
    fanout.deliver([Stored("campaign:1", Publication(2000, b"{}"), 1000)])
    assert bus.told == [Passing("campaign:1", b"{}"), Published("campaign:1", 2000, 1000, b"{}")]
