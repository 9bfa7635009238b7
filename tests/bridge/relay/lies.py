"""What a lying mirror makes of a topic: any of the edits there are, alone and together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tests.bridge.relay.bent_mirror import chained
from topics.values import START, AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

if TYPE_CHECKING:
    from tests.bridge.relay.liar import Ground

STRANGER = AccountId(0, 0, 9)
_ALTER: dict[str, Callable[[TopicMessage, int, Ground], TopicMessage]] = {
    "byte": lambda message, by, _: replace(message, message=_flipped(message.message, by)),
    "hash": lambda message, by, _: replace(message, running_hash=_flipped(message.running_hash, by)),
    "time": lambda message, by, _: replace(message, consensus_ns=message.consensus_ns + by - 5_000),
    "payer": lambda message, _by, _: replace(message, payer=STRANGER),
    "other topic": lambda message, _by, _: replace(message, topic_id=TopicId(0, 0, message.topic_id.num + 1)),
    "elsewhere": lambda message, by, ground: replace(
        ground.others[by % len(ground.others)], sequence=message.sequence
    ),  # another topic's message stands here
    "forge": lambda message, by, ground: replace(message, message=ground.forged[by % len(ground.forged)], chunk=None),
    "chunk": lambda message, by, _: replace(message, chunk=_other_chunk(message, by)),
}
KINDS = (*_ALTER, "drop", "double", "swap", "replay", "end")


@dataclass(frozen=True, slots=True)
class Lie:
    """What is shown of the topic. A `careful` liar's numbers, times and hashes fit each other."""

    kinds: tuple[str, ...]
    careful: bool
    shown: tuple[TopicMessage, ...]

    def page(self, after: int, limit: int) -> list[TopicMessage]:
        """Its answer to who asks for what is behind a sequence number."""
        return [each for each in self.shown if each.sequence > after][:limit]

    def seen(self, batch: int, *, newest_ns: int) -> list[TopicMessage]:
        """What a reader gets to see who asks for so many at a time, until something in it can't be.

        Nor does it ask for more behind the message of `newest_ns`, of which it was told that it is the last.
        """
        seen: list[TopicMessage] = []
        while page := self.page(len(seen), batch):
            seen += page
            if [each.sequence for each in seen] != [*range(1, len(seen) + 1)] or seen[-1].consensus_ns >= newest_ns:
                break
        return seen


@dataclass(frozen=True, slots=True)
class Plan:
    """Edits, each with where and what in numbers; with `at_end`, all of them behind the last receipt."""

    edits: tuple[tuple[str, int, int], ...]
    at_end: bool
    careful: bool

    def on(self, ground: Ground) -> Lie:
        """What becomes of the topic."""
        first = ground.pinned if self.at_end else 0
        edited = list(ground.truth)
        for kind, place, by in self.edits:
            if len(edited) > first:
                _edit(edited, kind, first + place % (len(edited) - first), by, ground)
        kinds = tuple(kind for kind, _, _ in self.edits)
        return Lie(kinds, self.careful, tuple(_fitting(edited, ground.topic_id) if self.careful else edited))


_NUMBERS = st.integers(0, 10_000)
PLANS = st.builds(
    Plan,
    st.lists(st.tuples(st.sampled_from(KINDS), _NUMBERS, _NUMBERS), min_size=1, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)


def _edit(edited: list[TopicMessage], kind: str, at: int, by: int, ground: Ground) -> None:
    message = edited[at]
    match kind:
        case "drop":
            del edited[at]
        case "double":
            edited.insert(at, message)
        case "swap":
            other = by % len(edited)
            edited[at], edited[other] = edited[other], edited[at]
        case "replay":
            edited.insert(at + 1, replace(ground.truth[by % len(ground.truth)], sequence=message.sequence + 1))
        case "end":
            del edited[at:]
        case _:
            edited[at] = _ALTER[kind](message, by, ground)


def _other_chunk(message: TopicMessage, by: int) -> ChunkInfo:
    info = message.chunk or ChunkInfo(TransactionId(message.payer or STRANGER, by), 1, 1)
    return replace(info, number=by % 4, total=by // 4 % 4)


def _flipped(content: bytes, by: int) -> bytes:
    place = by % len(content)
    return content[:place] + bytes([content[place] ^ (1 + by % 255)]) + content[place + 1 :]


def _fitting(edited: Sequence[TopicMessage], topic_id: TopicId) -> list[TopicMessage]:
    """Every message of the topic, later than the one before, with hashes that fit."""
    made: list[TopicMessage] = []
    for each in edited:
        earliest_ns = made[-1].consensus_ns + 1 if made else START.consensus_ns + 1
        made.append(replace(each, topic_id=topic_id, consensus_ns=max(each.consensus_ns, earliest_ns)))
    assert all(one.consensus_ns < other.consensus_ns for one, other in pairwise(made))
    return chained(made)
