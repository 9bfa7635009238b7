"""Keeps count of a demo's events: handed over, seen provisional, seen confirmed, in which order, how fast."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from topics.values import Position, TopicId, parse_timestamp

CONFIRMED = "confirmed"
PROVISIONAL = "provisional"
NANOS_PER_MS = 1_000_000


class Account:
    """What became of every event. Times are wall-clock nanoseconds; `mirror_delay_ns` is the devnet's."""

    def __init__(self, mirror_delay_ns: int) -> None:
        self._mirror_delay_ns = mirror_delay_ns
        self._posted_ns: dict[str, int] = {}
        self._provisional_ns: dict[str, int] = {}
        self._order: dict[tuple[str, str | None], list[str]] = {}
        self._confirmed: dict[str, list[Mapping[str, Any]]] = {}
        self._confirmed_ms: list[float] = []
        self._confirmed_ids: set[str] = set()

    def posted(self, event_id: str, channel: str, campaign_id: str | None, *, at_ns: int) -> None:
        """The door took an event of a campaign, or of none, for `channel`; it was sent there at `at_ns`.

        Order is promised within a campaign: a user's channel is fed by several, and they overtake each other.
        """
        self._posted_ns[event_id] = at_ns
        self._order.setdefault((channel, campaign_id), []).append(event_id)

    def published(self, channel: str, publication: Mapping[str, Any], now_ns: int) -> None:
        """A client got a publication."""
        meta = publication["meta"]
        if meta["phase"] == PROVISIONAL:
            self._provisional_ns.setdefault(meta["id"], now_ns)
        elif meta["phase"] == CONFIRMED:
            on_mirror_ns = parse_timestamp(meta["consensusTimestamp"]) + self._mirror_delay_ns
            self._confirmed_ms.append(max(0, now_ns - on_mirror_ns) / NANOS_PER_MS)
            self._confirmed.setdefault(channel, []).append(meta)
            self._confirmed_ids.add(meta["id"])

    @property
    def waiting(self) -> int:
        """How many accepted events have not come back yet."""
        return len(self._posted_ns.keys() - self._confirmed_ids)

    @property
    def topic_ids(self) -> set[TopicId]:
        """The topics that confirmed events came over."""
        return {TopicId.parse(meta["topicId"]) for metas in self._confirmed.values() for meta in metas}

    def summary(self, chain: Mapping[TopicId, Sequence[Position]]) -> dict[str, Any]:
        """The counts and times so far; `chain` holds every topic's positions as recomputed from the mirror."""
        metas = [meta for found in self._confirmed.values() for meta in found]
        return {
            "accepted": len(self._posted_ns),
            "confirmed": len(self._posted_ns.keys() & self._confirmed_ids),
            "relayed": len(metas),
            "verified": sum(_in_chain(meta, chain) for meta in metas),
            "duplicates": sum(_duplicates(found) for found in self._confirmed.values()),
            "gaps": sum(self._gaps(channel, order) for (channel, _), order in self._order.items()),
            "topics": len(self.topic_ids),
            "provisional_ms": percentiles(self._provisional_ms()),
            "confirmed_ms": percentiles(self._confirmed_ms),
        }

    def _provisional_ms(self) -> list[float]:
        seen = self._provisional_ns.keys() & self._posted_ns.keys()
        return [(self._provisional_ns[event_id] - self._posted_ns[event_id]) / NANOS_PER_MS for event_id in seen]

    def _gaps(self, channel: str, order: Sequence[str]) -> int:
        """Events of these that didn't come on the channel, or came after one that was accepted later."""
        place = {event_id: index for index, event_id in enumerate(order)}
        gaps, latest, seen = 0, -1, set[str]()
        for meta in self._confirmed.get(channel, []):
            index = place.get(meta["id"], latest)
            gaps += index < latest and meta["id"] not in seen
            latest = max(latest, index)
            seen.add(meta["id"])
        return gaps + len(place.keys() - seen)


def percentiles(samples: Iterable[float]) -> dict[str, float | None]:
    """p50 and p99 by nearest rank; None without samples."""
    ordered = sorted(samples)
    if not ordered:
        return {"p50": None, "p99": None}
    return {name: round(ordered[math.ceil(len(ordered) * rank) - 1], 2) for name, rank in (("p50", 0.5), ("p99", 0.99))}


def _duplicates(metas: Sequence[Mapping[str, Any]]) -> int:
    return len(metas) - len({meta["id"] for meta in metas})


def _in_chain(meta: Mapping[str, Any], chain: Mapping[TopicId, Sequence[Position]]) -> bool:
    positions = chain.get(TopicId.parse(meta["topicId"]), ())
    sequence = meta["sequence"]
    if not 0 < sequence <= len(positions):
        return False
    position = positions[sequence - 1]
    shown = base64.b64decode(meta["runningHash"]), parse_timestamp(meta["consensusTimestamp"])
    return (position.running_hash, position.consensus_ns) == shown
