"""The hub: encoded once, in order, and never a silent gap whatever the interleaving."""

from __future__ import annotations

import json
from collections.abc import Generator

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.gateway.hub import Frame, Hub
from bridge.protocol.realtime.recovery import Since, StreamPosition, recovered
from tests.bridge.gateway.memory_history import MemoryHistory

CHANNEL = "campaign:1"


class Inbox:
    """A subscriber that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[tuple[int | None, int]] = []
        self.frames: list[Frame] = []
        self.overflows = 0

    def deliver(self, frame: Frame) -> None:
        publication = json.loads(frame.payload)["push"]["pub"]
        self.got.append((publication.get("offset"), publication["data"]))
        self.frames.append(frame)

    def overflow(self) -> None:
        self.overflows += 1


def test_everyone_gets_the_same_bytes() -> None:
    hub, inboxes = Hub(), [Inbox() for _ in range(3)]
    for inbox in inboxes:
        hub.subscribe(CHANNEL, inbox)
        hub.go_live(CHANNEL, inbox, after=0)
    assert hub.publish(CHANNEL, b"1", offset=1000) == 3
    calls: list[bytes] = []

    def encoder(payload: bytes) -> bytes:
        calls.append(payload)
        return b"<" + payload + b">"

    wires = {id(inbox.frames[0].wire(encoder)) for inbox in inboxes}
    assert len(wires) == len(calls) == 1
    assert hub.publish("campaign:2", b"1", offset=1) == 0


def test_unsubscribing_ends_it_and_leaves_nothing() -> None:
    hub, inbox = Hub(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=0)
    hub.unsubscribe(CHANNEL, inbox)
    hub.unsubscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=0)
    assert hub.publish(CHANNEL, b"1", offset=1) == 0
    assert (inbox.got, hub.subscribers(CHANNEL)) == ([], 0)


def test_an_offset_that_went_by_is_not_handed_on_again() -> None:
    hub, inbox = Hub(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=5)
    for offset in (4, 5, 6, 6, 3, 7):
        hub.publish(CHANNEL, b"0", offset=offset)
    assert inbox.got == [(6, 0), (7, 0)]


def test_provisionals_pass_at_any_time() -> None:
    hub, inbox = Hub(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.publish(CHANNEL, b"1", offset=None)
    hub.publish(CHANNEL, b"2", offset=9)
    hub.go_live(CHANNEL, inbox, after=9)
    hub.publish(CHANNEL, b"3", offset=None)
    assert inbox.got == [(None, 1), (None, 3)]


def test_who_joins_too_slowly_is_cut() -> None:
    hub, inbox, other = Hub(max_joining_bytes=200), Inbox(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.subscribe(CHANNEL, other)
    hub.go_live(CHANNEL, other, after=0)
    for offset in range(1, 20):
        hub.publish(CHANNEL, b"0", offset=offset)
    assert inbox.overflows == 1
    hub.go_live(CHANNEL, inbox, after=0)
    assert inbox.got == []
    assert len(other.got) == 19


class Stream:
    """A publisher and joining clients as steps that a test may interleave in any order."""

    def __init__(self) -> None:
        self.hub, self.history = Hub(), MemoryHistory()
        self.committed = 0
        self.handed_on = 0

    def top(self) -> StreamPosition:
        rows = self.history.rows.get(CHANNEL, [])
        return StreamPosition(rows[-1].offset if rows else 0, "e")

    def commit(self) -> None:
        self.committed += 1
        self.history.keep(CHANNEL, self.committed * 3, str(self.committed).encode())

    def hand_on(self) -> None:
        if self.handed_on < self.committed:
            self.handed_on += 1
            self.hub.publish(CHANNEL, str(self.handed_on).encode(), offset=self.handed_on * 3)

    def join(self, inbox: Inbox, since: int) -> Generator[None]:
        self.hub.subscribe(CHANNEL, inbox)
        yield
        top = self.top()
        yield
        rows = [row for row in self.history.rows.get(CHANNEL, []) if row.offset > since]
        yield
        missed = recovered(Since(since, ""), top, rows, max_publications=99, max_bytes=9999)
        assert missed is not None
        inbox.got += [(row.offset, int(row.data)) for row in missed]
        self.hub.go_live(CHANNEL, inbox, after=top.offset)


def test_channels_are_those_with_subscribers() -> None:
    hub, inbox = Hub(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.publish("campaign:2", b"1", offset=1000)
    assert [*hub.channels] == [CHANNEL]
    hub.unsubscribe(CHANNEL, inbox)
    assert not hub.channels


@settings(max_examples=300)
@given(data=st.data(), behind=st.integers(0, 4), joiners=st.integers(1, 3))
def test_no_gap_and_nothing_twice_in_any_interleaving(data: st.DataObject, behind: int, joiners: int) -> None:
    stream, inboxes = Stream(), [Inbox() for _ in range(joiners)]
    for _ in range(4):
        stream.commit()
    joins = [stream.join(inbox, since=behind * 3) for inbox in inboxes]
    for move in data.draw(st.lists(st.sampled_from(["commit", "hand on", 0, 1, 2]), max_size=40)):
        match move:
            case "commit":
                stream.commit()
            case "hand on":
                stream.hand_on()
            case int():
                next(joins[move % joiners], None)
    for join in joins:
        list(join)
    while stream.handed_on < stream.committed:
        stream.hand_on()
    for inbox in inboxes:
        assert inbox.got == [(number * 3, number) for number in range(behind + 1, stream.committed + 1)]
