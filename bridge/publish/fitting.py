"""How much of what waits goes into one frame."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.config_sections import Publish
from bridge.protocol.wire.sizes import frame_size
from bridge.publish.outbox import Entry


def size_of_frame(entries: Sequence[Entry], publish: Publish, producer_sequence: int, *, signed: bool) -> int:
    """Bytes of the frame of these entries."""
    return frame_size(
        sum(entry.size for entry in entries),
        count=len(entries),
        producer_sequence=producer_sequence,
        signed=signed,
        pad_to=publish.pad_to,
    )


def that_fit(waiting: Sequence[Entry], publish: Publish, producer_sequence: int, *, signed: bool) -> Sequence[Entry]:
    """The longest beginning of `waiting` whose frame stays within `publish.max_frame_bytes`; the first always goes."""
    size = 0
    for count, entry in enumerate(waiting, 1):
        size += entry.size
        frame = frame_size(size, count=count, producer_sequence=producer_sequence, signed=signed, pad_to=publish.pad_to)
        if count > 1 and frame > publish.max_frame_bytes:
            return waiting[: count - 1]
    return waiting
