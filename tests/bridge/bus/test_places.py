"""However news are lost, doubled and shuffled: what the hub is handed is each publication once, in order, to each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.bus.places import Gap, Places
from bridge.gateway.hub import Frame, Hub
from bridge.protocol.realtime.recovery import Publication

CHANNEL = "campaign:c"


def publication(offset: int) -> Publication:
    return Publication(offset, b"{}")


def found(*offsets: int) -> list[Publication]:
    return [publication(offset) for offset in offsets]


def offsets(publications: object) -> list[int]:
    return [each.offset for each in publications]  # type: ignore[attr-defined]


def started(top: int) -> Places:
    places = Places()
    assert places.start(CHANNEL, top)
    return places


def test_the_next_one_is_handed_on_an_older_one_is_not() -> None:
    places = started(4)
    assert places.take(CHANNEL, 7, before=4)
    assert not places.take(CHANNEL, 7, before=4)
    assert not places.take(CHANNEL, 4, before=2)
    assert not places.behind


def test_behind_a_gap_the_database_is_read_from_the_last_one_on() -> None:
    places = started(4)
    assert not places.take(CHANNEL, 9, before=7)
    [gap] = places.gaps()
    assert gap == Gap(CHANNEL, 4, 9)
    assert offsets(places.read(gap, found(7, 9, 10))) == [7, 9, 10]
    assert not places.behind
    assert not places.take(CHANNEL, 10, before=9)


def test_a_page_that_ends_early_is_followed_by_another() -> None:
    places = started(4)
    places.take(CHANNEL, 9, before=8)
    assert offsets(places.read(places.gaps()[0], found(7))) == [7]
    assert places.gaps() == [Gap(CHANNEL, 7, 9)]


def test_what_comes_while_the_database_is_read_is_handed_on_once() -> None:
    places = started(4)
    places.told({CHANNEL: 6})
    [gap] = places.gaps()
    assert places.take(CHANNEL, 5, before=4)
    assert offsets(places.read(gap, found(5, 6))) == [6]


def test_a_page_that_news_were_faster_than_is_followed_by_another() -> None:
    places = started(4)
    places.told({CHANNEL: 6})
    [gap] = places.gaps()
    assert places.take(CHANNEL, 5, before=4)
    assert offsets(places.read(gap, found(5))) == []
    assert places.gaps() == [Gap(CHANNEL, 5, 6)]


def test_what_is_gone_from_the_database_is_not_waited_for() -> None:
    places = started(4)
    places.told({CHANNEL: 6})
    assert offsets(places.read(places.gaps()[0], [])) == []
    assert not places.behind
    places.told({CHANNEL: 6})
    assert places.behind  # and is asked for again at the next look


def test_what_comes_before_a_subscriber_has_read_the_top_is_read_then() -> None:
    places = Places()
    assert not places.take(CHANNEL, 5, before=4)
    assert not places.behind
    assert places.start(CHANNEL, 4)
    assert places.gaps() == [Gap(CHANNEL, 4, 5)]


def test_a_subscriber_with_an_older_top_has_to_read_it_again() -> None:
    places = started(5)
    assert not places.start(CHANNEL, 4)
    assert places.start(CHANNEL, 6)


def test_what_is_forgotten_begins_anew() -> None:
    places = started(4)
    places.told({CHANNEL: 6})
    [gap] = places.gaps()
    places.keep(())
    assert (places.behind, list(places.channels())) == (False, [])
    assert offsets(places.read(gap, found(5, 6))) == []
    places.take(CHANNEL, 6, before=5)
    assert offsets(places.read(gap, found(5, 6))) == []
    assert places.start(CHANNEL, 6)
    assert offsets(places.read(gap, found(5, 6))) == []


class Reader:
    """A subscriber: first what the history has up to the top, then what comes."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.since = 0

    def deliver(self, frame: Frame) -> None:
        for line in frame.payload.splitlines():
            self.got.append(json.loads(line)["push"]["pub"]["offset"])

    deliver_last = deliver

    def overflow(self) -> None:
        raise AssertionError


@dataclass
class World:
    """A database, what was told of it, one gateway, and its subscribers."""

    committed: list[int] = field(default_factory=list)
    told: list[tuple[int, int]] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    hub: Hub = field(default_factory=lambda: Hub(later=lambda flush: None))
    reads: list[tuple[Gap, list[Publication]]] = field(default_factory=list)
    tops: list[int] = field(default_factory=list)
    joining: list[tuple[Reader, int]] = field(default_factory=list)
    live: list[Reader] = field(default_factory=list)

    @property
    def top(self) -> int:
        return self.committed[-1] if self.committed else 0

    def commit(self, step: int) -> None:
        self.told.append((self.top + 1 + step % 3, self.top))
        self.committed.append(self.top + 1 + step % 3)

    def hear(self, which: int) -> None:
        """Any of the news there ever were: in whatever order, several times, or never."""
        if self.told and CHANNEL in self.hub.channels:
            offset, before = self.told[-1 - which % len(self.told)]
            if self.places.take(CHANNEL, offset, before):
                self.hand_on(offset)

    def poll_begins(self, _: int) -> None:
        self.places.keep(self.hub.channels)
        self.tops.append(self.top)

    def poll_ends(self, which: int) -> None:
        if self.tops:
            self.places.told({CHANNEL: self.tops.pop(which % len(self.tops))})

    def read_begins(self, limit: int) -> None:
        for gap in self.places.gaps():
            behind = [publication(each) for each in self.committed if each > gap.since]
            self.reads.append((gap, behind[: 1 + limit % 4]))

    def read_ends(self, which: int) -> None:
        if self.reads:
            gap, page = self.reads.pop(which % len(self.reads))
            for each in self.places.read(gap, page):
                self.hand_on(each.offset)

    def read_fails(self, which: int) -> None:
        if self.reads:
            self.reads.pop(which % len(self.reads))

    def hand_on(self, offset: int) -> None:
        self.hub.publish(CHANNEL, b"{}", offset=offset)

    def join_begins(self, _: int) -> None:
        reader = Reader()
        self.hub.subscribe(CHANNEL, reader)
        self.joining.append((reader, self.top))

    def join_ends(self, which: int) -> None:
        if not self.joining:
            return
        reader, top = self.joining.pop(which % len(self.joining))
        if not self.places.start(CHANNEL, top):
            self.joining.append((reader, self.top))
            return
        reader.since = top
        self.hub.go_live(CHANNEL, reader, after=top)
        self.live.append(reader)

    def leave(self, which: int) -> None:
        if self.live:
            reader = self.live.pop(which % len(self.live))
            self.hub.flush()
            self.hub.unsubscribe(CHANNEL, reader)
            self.check(reader)

    def settle(self) -> None:
        """Nothing more happens: one look into the database, and what follows from it."""
        while self.joining:
            self.join_ends(0)
        while self.reads:
            self.read_ends(0)
        self.poll_begins(0)
        self.poll_ends(-1)
        while self.places.behind:
            self.read_begins(3)
            while self.reads:
                self.read_ends(0)
        self.hub.flush()

    def check(self, reader: Reader) -> None:
        """It has had everything behind its history, from the first on."""
        behind = [each for each in self.committed if each > reader.since]
        assert reader.got == behind[: len(reader.got)]


STEPS = ["commit", "hear", "poll_begins", "poll_ends", "read_begins", "read_ends", "read_fails"]
STEPS += ["join_begins", "join_ends", "leave"]


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 11)), min_size=30, max_size=80))
@settings(max_examples=150)
def test_every_subscriber_gets_each_publication_once_and_in_order(steps: list[tuple[str, int]]) -> None:
    world = World()
    for step, number in steps:
        getattr(world, step)(number)
    world.settle()
    for reader in world.live:
        world.check(reader)
        assert reader.got == [each for each in world.committed if each > reader.since]
