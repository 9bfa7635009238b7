"""Reads topics straight from the mirror and recomputes their running hashes, apart from the bridge's own checks."""

from __future__ import annotations

from collections.abc import Iterable

from topics.mirror.rest import Mirror
from topics.running_hash import Verifier
from topics.values import START, Position, TopicId


async def recomputed(mirror: Mirror, topic_ids: Iterable[TopicId]) -> dict[TopicId, list[Position]]:
    """The position behind each message of each topic, from the first on. Raises IntegrityError."""
    return {topic_id: await _chain(mirror, topic_id) for topic_id in topic_ids}


async def _chain(mirror: Mirror, topic_id: TopicId) -> list[Position]:
    verifier = Verifier(topic_id, START)
    positions: list[Position] = []
    while page := await mirror.messages(topic_id, after=len(positions)):
        positions.extend(verifier.accept(message) for message in page)
    return positions
