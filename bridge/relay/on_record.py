"""What the outbox tells the relay: which of the messages shown it wrote itself, and what they carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.protocol.wire.frame import Opened
from topics.values import TopicMessage


@dataclass(frozen=True, slots=True)
class Ours:
    """Which messages the outbox has on record, byte for byte: sequence number → flight. `pinned`: by receipts, too."""

    flights: Mapping[int, int] = field(default_factory=dict)
    pinned: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame as it was sent, and its elements: control messages opened, a placeholder for each event."""

    frame: bytes = field(repr=False)
    elements: tuple[Opened, ...]


Recognise = Callable[[Sequence[TopicMessage], int], Ours]
"""Asked for verified messages, and the last producer sequence opened before them. Raises ReceiptContradicted."""

Recall = Callable[[int], Sent]
"""Asked for a flight that was recognised."""


def strangers(_messages: Sequence[TopicMessage], _last_frame: int) -> Ours:
    """For who reads without an outbox."""
    return Ours()


def no_record(flight_id: int) -> Sent:
    """For who has no outbox to ask."""
    raise LookupError(f"flight {flight_id} is not on record")
