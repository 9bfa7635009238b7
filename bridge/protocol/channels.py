"""Channel names, and the offsets and epochs that only a consensus position earns (DESIGN §7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self

from topics.values import HASH_BYTES, TopicId

EVENTS_PER_FRAME = 1000
"""An index in a frame is below this, so that sequence * 1000 + index never collides."""

ACCOUNT = "_account"
"""Stands where a campaign id would, for the topic of events that belong to a user but to no campaign."""

MAX_ID_CHARS = 64
_ID = re.compile(r"[A-Za-z0-9.~-][A-Za-z0-9_.~-]*")

ID_RULE = "must be 1 to 64 of A-Z a-z 0-9 . _ ~ -, and not begin with _"
"""What `is_id` asks, in words."""

ChannelKind = Literal["campaign", "user"]


def is_id(text: str, *, max_chars: int = MAX_ID_CHARS) -> bool:
    """Whether `text` may name a campaign or a user. A leading underscore is kept for names of our own."""
    return len(text) <= max_chars and _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Channel:
    """`campaign:<id>` or `user:<id>`."""

    kind: ChannelKind
    id: str

    @classmethod
    def parse(cls, name: str, *, max_chars: int = MAX_ID_CHARS) -> Self:
        """Read a channel's name. Raises ValueError, which repeats nothing of the name: it may be a peer's."""
        kind, _, text = name.partition(":")
        if not is_id(text, max_chars=max_chars):
            raise ValueError("a channel is campaign:<id> or user:<id>")
        if kind == "campaign":
            return cls("campaign", text)
        if kind == "user":
            return cls("user", text)
        raise ValueError("a channel is campaign:<id> or user:<id>")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def campaign_offset(sequence: int, index: int) -> int:
    """The place of event `index` of the frame whose last chunk has `sequence`. A pure function of the topic."""
    if sequence < 1 or not 0 <= index < EVENTS_PER_FRAME:
        raise ValueError(f"no offset for sequence {sequence}, index {index}")
    return sequence * EVENTS_PER_FRAME + index


def offset_position(offset: int) -> tuple[int, int]:
    """The way back: sequence number of the last chunk, and index."""
    return divmod(offset, EVENTS_PER_FRAME)


def channel_epoch(topic_id: TopicId, running_hash_1: bytes) -> str:
    """A campaign channel's epoch; differs when a network was reset and the topic id is used again."""
    if len(running_hash_1) != HASH_BYTES:
        raise ValueError(f"a running hash has {HASH_BYTES} bytes, not {len(running_hash_1)}")
    return f"{topic_id}-{running_hash_1[:6].hex()}"
