"""How far each channel has been handed on here, and so what to do with a publication that comes. Pure.

It relies on this: a channel's publications are committed in the order of their offsets, each before its news.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.protocol.realtime.recovery import Publication


class Gap(NamedTuple):
    """What is behind `since` was not handed on yet; `known` of it is committed."""

    channel: str
    since: int
    known: int


@dataclass(slots=True)
class _Place:
    start: int | None = None  # where handing on began; None: it didn't yet
    offset: int = 0  # how far it has come
    known: int = 0  # the highest offset that is known to be committed


class Places:
    """Of the channels that publications came for, or subscribers, until they are forgotten."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._behind: dict[str, None] = {}

    def start(self, channel: str, top: int) -> bool:
        """Hand on what is behind `top`, as a subscriber has read it after it registered.

        False: it has begun above `top`, for another one; then this one has to read the top again.
        """
        place = self._places.setdefault(channel, _Place())
        if place.start is None:
            place.start = place.offset = top
            self._know(channel, place, top)
        return place.start <= top

    def take(self, channel: str, offset: int, before: int) -> bool:
        """Whether this publication is the next one, and so to be handed on now. If it is behind a gap, that is kept."""
        place = self._places.setdefault(channel, _Place())
        is_next = place.start is not None and before == place.offset
        if is_next:
            place.offset = offset
        self._know(channel, place, offset)
        return is_next

    def told(self, tops: Mapping[str, int]) -> None:
        """So much of each channel is committed."""
        for channel, top in tops.items():
            if (place := self._places.get(channel)) is not None:
                self._know(channel, place, top)

    @property
    def behind(self) -> bool:
        """Whether there are gaps."""
        return bool(self._behind)

    def gaps(self) -> Sequence[Gap]:
        """What has to be read."""
        places = ((channel, self._places[channel]) for channel in self._behind)
        return [Gap(channel, place.offset, place.known) for channel, place in places]

    def read(self, gap: Gap, found: Sequence[Publication]) -> Sequence[Publication]:
        """Those of `found` that are to be handed on now.

        They are what the database had behind the gap's `since` when it was asked, ascending, from the first on. Had
        it none, then what was known of is gone, and isn't waited for.
        """
        place = self._places.get(gap.channel)
        if place is None or place.start is None:
            return ()
        fresh = [publication for publication in found if publication.offset > place.offset]
        if fresh:
            place.offset = fresh[-1].offset
        elif (place.offset, place.known) == (gap.since, gap.known):
            place.known = place.offset
        self._know(gap.channel, place, place.offset)
        return fresh

    def channels(self) -> Sequence[str]:
        """All that are remembered."""
        return list(self._places)

    def keep(self, channels: Container[str]) -> None:
        """Forget all others."""
        for channel in [each for each in self._places if each not in channels]:
            del self._places[channel]
            self._behind.pop(channel, None)

    def _know(self, channel: str, place: _Place, offset: int) -> None:
        place.known = max(place.known, offset)
        if place.start is not None and place.known > place.offset:
            self._behind[channel] = None
        else:
            self._behind.pop(channel, None)
