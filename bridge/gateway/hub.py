"""Hands a channel's publications to everyone who is subscribed, in this process, each encoded once.

What is published in one turn of the loop goes out at its end: those who are live get it joined, as the same bytes.

A subscriber registers, reads the history up to the top that it then finds, and goes live: what was published
meanwhile waits here, and what the history already gave is dropped by its offset (mercure's way).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, KeysView, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from bridge.protocol.realtime.replies import publication_push

MAX_TURN_BYTES = 65_536
"""A channel with more in one turn doesn't wait for its end."""

Encoder: TypeAlias = Callable[[bytes], bytes]


Later: TypeAlias = Callable[[Callable[[], None]], object]


class Frame:
    """One push: its JSON, and the bytes for each kind of transport, made once, when first asked for."""

    __slots__ = ("_wires", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._wires: dict[Encoder, bytes] = {}

    def wire(self, encoder: Encoder) -> bytes:
        """The bytes that `encoder` makes of it; the same object for every caller."""
        wire = self._wires.get(encoder)
        if wire is None:
            wire = self._wires[encoder] = self._encoded(encoder)
        return wire

    def _encoded(self, encoder: Encoder) -> bytes:
        return encoder(self.payload)


class Frames(Frame):
    """Several, joined."""

    __slots__ = ("_frames",)

    def __init__(self, frames: Sequence[Frame]) -> None:
        super().__init__(b"\n".join([frame.payload for frame in frames]))
        self._frames = frames

    def _encoded(self, encoder: Encoder) -> bytes:
        return b"".join([frame.wire(encoder) for frame in self._frames])


class Subscriber(Protocol):
    """Takes frames. It must not raise."""

    def deliver(self, frame: Frame) -> None:
        """Take a frame, in order; with what else comes in this turn of the loop it goes out in one write."""

    def deliver_last(self, frame: Frame) -> None:
        """Take a frame behind which nothing more comes from here in this turn."""

    def overflow(self) -> None:
        """More came while it was joining than it may have pending: it has lost frames, and must be cut."""


@dataclass(slots=True)
class _Joining:
    """What came for a subscriber that isn't live yet."""

    frames: list[tuple[int | None, Frame]] = field(default_factory=list)
    size: int = 0
    lost: bool = False


@dataclass(slots=True)
class _Channel:
    live: dict[Subscriber, None] = field(default_factory=dict)
    joining: dict[Subscriber, _Joining] = field(default_factory=dict)
    ahead: dict[Subscriber, int] = field(default_factory=dict)  # live, but has had more from history than came here
    top: int = 0  # the highest offset that came through here
    turn: list[Frame] = field(default_factory=list)  # what the live ones get at the end of this turn
    size: int = 0  # of that, in bytes


class Hub:
    """Who is subscribed to what. `max_joining_bytes` bounds what waits for one subscriber that is joining.

    `later` calls at the end of the loop's turn; None: the running loop's `call_soon`.
    """

    def __init__(self, *, max_joining_bytes: int = 1_048_576, later: Later | None = None) -> None:
        self.max_joining_bytes = max_joining_bytes
        self._later = later
        self._channels: dict[str, _Channel] = {}
        self._dirty: list[_Channel] = []

    def subscribe(self, channel: str, subscriber: Subscriber) -> None:
        """Register: from here on nothing of the channel is missed. Read the history's top after this, not before."""
        room = self._channels.setdefault(channel, _Channel())
        room.joining[subscriber] = _Joining()

    def go_live(self, channel: str, subscriber: Subscriber, *, after: int) -> None:
        """Deliver what waited, except confirmed publications up to `after`, and everything from now on."""
        room = self._channels.get(channel)
        waited = room.joining.pop(subscriber, None) if room else None
        if room is None or waited is None:
            return
        if waited.lost:  # it was told, and is going
            self._sweep(channel, room)
            return
        for offset, frame in waited.frames:
            if offset is None or offset > after:
                subscriber.deliver(frame)
        if room.top >= after:
            self._live(room, subscriber)
        else:
            room.ahead[subscriber] = after

    def unsubscribe(self, channel: str, subscriber: Subscriber) -> None:
        """Deliver nothing more of the channel; fine where it wasn't subscribed."""
        if (room := self._channels.get(channel)) is not None:
            room.live.pop(subscriber, None)
            room.joining.pop(subscriber, None)
            room.ahead.pop(subscriber, None)
            self._sweep(channel, room)

    def publish(self, channel: str, data: bytes, *, offset: int | None) -> int:
        """Hand on `data`, one line of JSON; how many are subscribed comes back.

        A confirmed publication has its offset, higher than any before it in this channel: one that isn't was
        handed on already, and is dropped, because clients take an offset that goes back for their place.
        """
        room = self._channels.get(channel)
        if room is None:
            return 0
        if offset is not None:
            if offset <= room.top:
                return 0
            room.top = offset
        frame = Frame(publication_push(channel, data, offset=offset))
        if room.live:
            self._collect(room, frame)
        if room.ahead:
            self._publish_ahead(room, offset, frame)
        for subscriber, waited in room.joining.items():
            self._hold(subscriber, waited, offset, frame)
        return len(room.live) + len(room.ahead) + len(room.joining)

    @property
    def channels(self) -> KeysView[str]:
        """Those with subscribers, joining ones included; they change with time."""
        return self._channels.keys()

    def subscribers(self, channel: str) -> int:
        """How many are subscribed, joining ones included."""
        room = self._channels.get(channel)
        return 0 if room is None else len(room.live) + len(room.ahead) + len(room.joining)

    def _collect(self, room: _Channel, frame: Frame) -> None:
        first = not self._dirty
        if not room.turn:
            self._dirty.append(room)
        room.turn.append(frame)
        room.size += len(frame.payload)
        if room.size > MAX_TURN_BYTES:
            self.flush()
        elif first:
            (self._later or asyncio.get_running_loop().call_soon)(self.flush)

    def _live(self, room: _Channel, subscriber: Subscriber) -> None:
        """What was published before is not for this one."""
        if room.turn:
            self.flush()
        room.live[subscriber] = None

    def flush(self) -> None:
        """Deliver what was published in this turn: one frame to each who is live, however many channels it has."""
        dirty, self._dirty = self._dirty, []
        frames = []
        for room in dirty:
            frames.append(room.turn[0] if len(room.turn) == 1 else Frames(room.turn))
            room.turn, room.size = [], 0
        if len(dirty) == 1:
            for subscriber in tuple(dirty[0].live):  # one that is cut here leaves
                subscriber.deliver_last(frames[0])
            return
        mine: dict[Subscriber, list[Frame]] = {}
        for room, frame in zip(dirty, frames, strict=True):
            for subscriber in room.live:
                mine.setdefault(subscriber, []).append(frame)
        for subscriber, several in mine.items():
            subscriber.deliver_last(several[0] if len(several) == 1 else Frames(several))

    def _publish_ahead(self, room: _Channel, offset: int | None, frame: Frame) -> None:
        for subscriber, after in tuple(room.ahead.items()):
            if offset is None:
                subscriber.deliver(frame)
            elif offset > after:
                subscriber.deliver(frame)
                del room.ahead[subscriber]
                self._live(room, subscriber)

    def _hold(self, subscriber: Subscriber, waited: _Joining, offset: int | None, frame: Frame) -> None:
        if waited.lost:
            return
        waited.size += len(frame.payload)
        waited.frames.append((offset, frame))
        if waited.size > self.max_joining_bytes:
            waited.lost = True
            waited.frames.clear()
            subscriber.overflow()

    def _sweep(self, channel: str, room: _Channel) -> None:
        if not (room.live or room.joining or room.ahead):
            del self._channels[channel]
