"""Reads a channel straight from the mirror with the keys at hand: the same publications as the gateway's, no daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from bridge.config_sections import Relay
from bridge.database import Database
from bridge.keys.ring import CampaignKeys, KeyRing
from bridge.protocol import envelope
from bridge.protocol.channels import Channel, campaign_offset
from bridge.protocol.realtime.recovery import Publication
from bridge.relay.placed import Placed
from bridge.relay.store import Source
from bridge.relay.tail import Progress, TopicRules, TopicTail
from topics.mirror.rest import Mirror
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class DirectReading:
    """What topics are read with; the database gives keys only, and nothing is written."""

    database: Database
    ring: KeyRing
    mirror: Mirror
    limits: Relay
    data_type: Callable[[str], str]
    rules: Callable[[TopicId], TopicRules]


async def tail_channel(
    reading: DirectReading, channel: Channel, sources: Sequence[Source], *, poll_interval_s: float
) -> AsyncIterator[Publication]:
    """The channel's publications from the first on, for ever. A user's has offset 0 each: those are the store's.

    A campaign has one source; a user's events may be in any topic, and come in consensus order within each.
    Raises IntegrityError or IntegrityBroken: what the mirror shows isn't the topic.
    """
    tails = [(source, TopicTail(reading.rules(source.topic_id), Progress())) for source in sources]
    while True:
        found = [
            (source, placed)
            for source, tail in tails
            for placed in await _read_on(reading, source, tail)
            if placed.event.audience == (channel.id if channel.kind == "user" else None)
        ]
        for source, placed in sorted(found, key=lambda item: item[1].place.consensus_ns):
            yield _publication(reading, channel, source, placed)
        if not found:
            await asyncio.sleep(poll_interval_s)


async def _read_on(reading: DirectReading, source: Source, tail: TopicTail) -> list[Placed]:
    """Every event behind the place where this tail is, up to where the mirror is now."""
    placed: list[Placed] = []
    while True:
        messages = await reading.mirror.messages(
            source.topic_id, after=tail.position.sequence, limit=reading.limits.batch_messages
        )
        if not messages:
            return placed
        batch = await reading.database.read(
            lambda c: tail.take(messages, CampaignKeys(reading.ring, c, source.ref))  # noqa: B023 # awaited here
        )
        placed += batch.events


def _publication(reading: DirectReading, channel: Channel, source: Source, placed: Placed) -> Publication:
    event, place = placed.event, placed.place
    offset = campaign_offset(place.sequence, place.index) if channel.kind == "campaign" else 0
    data = envelope.confirmed(event, data_type=reading.data_type(event.type), campaign_id=source.ref, place=place)
    return Publication(offset, data)
