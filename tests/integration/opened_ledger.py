"""What every topic of the devnet holds, opened with the keys, beside what the database says that it must hold."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bridge.keys.ring import CampaignKeys
from bridge.relay.direct import DirectReading
from bridge.relay.tail import Progress, TopicTail
from bridge.remotes import mirror_of
from bridge.rooms import direct_reading
from bridge.schema import registry
from bridge.storage import opened
from tests.integration.world import World
from topics.registry import Registration

Said = tuple[str, str | None, str]
"""An event's id, the user it is for, and its message."""

MUST_HOLD = """
SELECT f.topic_id, t.message FROM flights f JOIN transactions t ON t.flight_id = f.id
WHERE f.state = 'submitted' AND t.state = 'settled' ORDER BY f.topic_id, f.producer_sequence, t.sequence
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A campaign's topic: what it says, in its order, and why messages in it say nothing to a reader."""

    topic_id: str
    said: list[Said]
    skipped: int
    last_skip: str | None


async def opened_topics(made: World) -> dict[str, Opened]:
    """Every registered campaign's topic, from its first message on, past the daemon."""
    async with opened(made.config, alone=False) as storage:
        known = await storage.database.read(lambda c: list(registry.all(c)))
        mirror = mirror_of(made.config)
        try:
            reading = direct_reading(storage, mirror)
            return {found.ref: await _open(reading, found) for found in known}
        finally:
            await mirror.close()


async def _open(reading: DirectReading, registered: Registration) -> Opened:
    topic_id, ref = registered.topic_id, registered.ref
    assert topic_id is not None
    tail, progress, said = TopicTail(reading.rules(topic_id), Progress()), Progress(), list[Said]()
    while page := await reading.mirror.messages(topic_id, after=tail.position.sequence):
        batch = await reading.database.read(lambda c: tail.take(page, CampaignKeys(reading.ring, c, ref)))
        progress = batch.progress
        for placed in batch.events:
            event = placed.event
            said.append((str(UUID(bytes=event.id)), event.audience, str(event.data.get("message", ""))))
    return Opened(str(topic_id), said, progress.skipped, progress.last_skip)


def messages_of(made: World) -> dict[str, list[bytes]]:
    """Each topic's messages, in their order, as the network has them."""
    found: dict[str, list[bytes]] = {}
    for topic_id, topic in made.devnet.network.mirror.topics.items():
        shown = topic.messages.walk(range(len(topic.messages)), descending=False)
        found[str(topic_id)] = [each.message for each in shown]
    return found


def messages_on_record(database: Path) -> dict[str, list[bytes]]:
    """Each topic's messages, frame by frame and in the order in which it says that consensus took a frame's chunks."""
    found: dict[str, list[bytes]] = {}
    with closing(sqlite3.connect(database)) as connection:
        for topic_id, message in connection.execute(MUST_HOLD):
            found.setdefault(topic_id, []).append(message)
    return found
