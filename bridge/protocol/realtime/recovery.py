"""Places in a channel, and when a client that names one can be given everything behind it (DESIGN §7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication of a channel: its place, and its data as one line of JSON."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Since:
    """The place that a client says it has reached. An empty epoch stands for any."""

    offset: int
    epoch: str


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """The top of a channel. Publications at `floor` and below are no longer kept (0: all are)."""

    offset: int
    epoch: str
    floor: int = 0

    def follows(self, since: Since) -> bool:
        """Whether everything between `since` and this top is still there to be read.

        A place above the top was never ours: this store lost something, and saying so is the only truth.
        """
        return since.epoch in ("", self.epoch) and self.floor <= since.offset <= self.offset


def recovered(
    since: Since,
    top: StreamPosition,
    publications: Sequence[Publication],
    *,
    max_publications: int,
    max_bytes: int,
) -> tuple[Publication, ...] | None:
    """What a client at `since` missed up to `top`, in order; None where that can't be said, or is too much at once.

    `publications` are those behind `since`, one more than `max_publications` where there are more. Those above
    `top` are left to the live stream, which delivers them anyway.
    """
    if not top.follows(since):
        return None
    missed = tuple(publication for publication in publications if since.offset < publication.offset <= top.offset)
    if len(missed) > max_publications or sum(len(publication.data) for publication in missed) > max_bytes:
        return None
    return missed


def page(publications: Sequence[Publication], *, max_bytes: int) -> tuple[Publication, ...]:
    """As many of `publications`, from the first, as fit into `max_bytes`; never none of some, so that paging ends."""
    room = max_bytes
    taken: list[Publication] = []
    for publication in publications:
        room -= len(publication.data)
        if taken and room < 0:
            break
        taken.append(publication)
    return tuple(taken)
