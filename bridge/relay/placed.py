"""What comes out of a topic, each with its consensus position: events, frames that stay sealed, control messages."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.envelope import Place
from bridge.protocol.values import Event
from bridge.protocol.wire.control import Control


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with its consensus position."""

    event: Event
    place: Place


@dataclass(frozen=True, slots=True)
class SealedFrame:
    """A frame of a sealed topic, handed on as it is. `first` is its first chunk's sequence number, `place` its last's.

    `events` are those that it holds where it had to be opened to be checked: for the outbox alone.
    """

    data: bytes
    first: int
    place: Place
    events: tuple[Placed, ...] = ()


@dataclass(frozen=True, slots=True)
class Noted:
    """A control message of a frame that was taken, and its consensus position."""

    control: Control
    place: Place
