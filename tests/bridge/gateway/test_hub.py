"""The hub: encoded once, in order, and never a silent gap whatever the interleaving."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.gateway.hub import MAX_TURN_BYTES, Frame, Hub
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

    deliver_last = deliver

    def overflow(self) -> None:
        self.overflows += 1


def as_it_is(payload: bytes) -> bytes:
    return payload


class Turns:
    """A subscriber that keeps the bytes of each turn."""

    def __init__(self) -> None:
        self.wires: list[bytes] = []
        self.then: Callable[[], object] = lambda: None

    def deliver(self, frame: Frame) -> None:
        self.wires.append(frame.wire(as_it_is))

    def deliver_last(self, frame: Frame) -> None:
        self.deliver(frame)
        self.then()

    def overflow(self) -> None:
        raise AssertionError("too much")


def at_once(**limits: int) -> Hub:
    """A hub whose turns end with each publication."""
    return Hub(later=lambda flush: flush(), **limits)


def test_everyone_gets_the_same_bytes() -> None:
    hub, inboxes = at_once(), [Inbox() for _ in range(3)]
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
    hub, inbox = at_once(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=0)
    hub.unsubscribe(CHANNEL, inbox)
    hub.unsubscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=0)
    assert hub.publish(CHANNEL, b"1", offset=1) == 0
    assert (inbox.got, hub.subscribers(CHANNEL)) == ([], 0)


def test_an_offset_that_went_by_is_not_handed_on_again() -> None:
    hub, inbox = at_once(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=5)
    for offset in (4, 5, 6, 6, 3, 7):
        hub.publish(CHANNEL, b"0", offset=offset)
    assert inbox.got == [(6, 0), (7, 0)]


def test_provisionals_pass_at_any_time() -> None:
    hub, inbox = at_once(), Inbox()
    hub.subscribe(CHANNEL, inbox)
    hub.publish(CHANNEL, b"1", offset=None)
    hub.publish(CHANNEL, b"2", offset=9)
    hub.go_live(CHANNEL, inbox, after=9)
    hub.publish(CHANNEL, b"3", offset=None)
    assert inbox.got == [(None, 1), (None, 3)]


def test_who_joins_too_slowly_is_cut() -> None:
    hub, inbox, other = at_once(max_joining_bytes=200), Inbox(), Inbox()
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
        self.hub, self.history = at_once(), MemoryHistory()
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


async def test_what_one_turn_publishes_goes_out_together_at_its_end() -> None:
    hub, inbox, late = Hub(), Turns(), Turns()
    for channel in (CHANNEL, "user:7"):
        hub.subscribe(channel, inbox)
        hub.go_live(channel, inbox, after=0)
    hub.subscribe(CHANNEL, late)
    hub.publish(CHANNEL, b"1", offset=1)
    hub.publish(CHANNEL, b"2", offset=2)
    assert inbox.wires == []
    hub.publish("user:7", b"3", offset=1)
    await asyncio.sleep(0)
    assert [wire.count(b"push") for wire in inbox.wires] == [3]
    hub.go_live(CHANNEL, late, after=2)
    hub.publish(CHANNEL, b"4", offset=3)
    hub.publish(CHANNEL, b"5", offset=4)
    await asyncio.sleep(0)
    assert inbox.wires[1] == late.wires[0]
    assert inbox.wires[1] is late.wires[0]


async def test_who_goes_live_within_a_turn_gets_what_comes_after_only() -> None:
    hub, first, second = Hub(), Turns(), Turns()
    for inbox in (first, second):
        hub.subscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, first, after=0)
    hub.publish(CHANNEL, b"1", offset=1)
    hub.go_live(CHANNEL, second, after=1)
    hub.publish(CHANNEL, b"2", offset=2)
    await asyncio.sleep(0)
    assert b"".join(first.wires).count(b"push") == 2
    assert b"".join(second.wires).count(b"push") == 1


async def test_a_turn_that_grows_large_is_not_waited_for() -> None:
    hub, inbox = Hub(), Turns()
    hub.subscribe(CHANNEL, inbox)
    hub.go_live(CHANNEL, inbox, after=0)
    for offset in range(1, 4):
        hub.publish(CHANNEL, b'"%s"' % bytes(b"x" * MAX_TURN_BYTES), offset=offset)
        assert len(inbox.wires) == offset


async def test_one_that_leaves_while_others_are_served_is_no_matter() -> None:
    hub, inboxes = Hub(), [Turns() for _ in range(3)]
    for inbox in inboxes:
        hub.subscribe(CHANNEL, inbox)
        hub.go_live(CHANNEL, inbox, after=0)

    def leave() -> None:
        for inbox in inboxes:
            hub.unsubscribe(CHANNEL, inbox)

    inboxes[0].then = leave
    hub.publish(CHANNEL, b"1", offset=1)
    await asyncio.sleep(0)
    assert not hub.channels
    hub.publish(CHANNEL, b"2", offset=2)
    await asyncio.sleep(0)
    assert [len(inbox.wires) for inbox in inboxes[1:]] == [1, 1]


def test_channels_are_those_with_subscribers() -> None:
    hub, inbox = at_once(), Inbox()
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
