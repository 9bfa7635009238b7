"""A relay whose mirror a test can bend, and what to look at behind it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge import config_sections as sections
from bridge import shards
from bridge.crossing import confirm, recognise
from bridge.relay.handing import Handing, Reading
from bridge.relay.inbound import Inbound
from bridge.relay.store import News
from tests.rooms import Rooms, change
from topics.mirror.answers import Page
from topics.mirror.rest import Mirror
from topics.running_hash import next_running_hash
from topics.values import START, Position, TopicId, TopicMessage


async def publish(rooms: Rooms, *refs: str, text: str = "x") -> tuple[bytes, ...]:
    """An event for each, on the ledger."""
    accepted = await rooms.accept(*(change(ref, text=text) for ref in refs))
    for ref in set(refs):
        await rooms.carry(ref)
    return accepted.ids


def told(news: Sequence[News], ref: str) -> list[tuple[int, str]]:
    """Offset and id of what was handed to the hub for a campaign."""
    found = [each.publication for each in news if each.channel == f"campaign:{ref}"]
    return [(publication.offset, json.loads(publication.data)["meta"]["id"].replace("-", "")) for publication in found]


def ids(news: Sequence[News], ref: str) -> list[bytes]:
    return [bytes.fromhex(id_) for _, id_ in told(news, ref)]


async def stored(rooms: Rooms, ref: str) -> list[int]:
    found = await rooms.database.read(lambda c: rooms.store.read(c, f"campaign:{ref}", since=0, limit=1000))
    return [publication.offset for publication in found]


async def cursor(rooms: Rooms) -> int:
    return await rooms.database.read(shards.cursor_ns)


class BentMirror(Mirror):
    """A mirror of which a test bends what it shows of one topic."""

    def bend(self, topic_id: TopicId, how: Any) -> None:
        self.bent: dict[TopicId, Any] = {**getattr(self, "bent", {}), topic_id: how}

    async def messages(self, topic_id: TopicId, *, after: int, limit: int = 100) -> Page:
        shown = await super().messages(topic_id, after=after, limit=limit)
        how = getattr(self, "bent", {}).get(topic_id)
        return shown if how is None else Page(how(shown), shown.source)


async def bent(rooms: Rooms, **limits: Any) -> tuple[Inbound, BentMirror]:
    """The rooms' relay with a mirror that can be bent; it shares the rooms' connections."""
    await rooms.mirror.latest_consensus_ns()  # which opens the session
    mirror = BentMirror(rooms.mirror.url, rooms.mirror._settings, session=rooms.mirror._session)
    reading = Reading(mirror, rooms.ring, rooms.rules)
    handing = Handing(recognise, confirm, rooms.news.extend)
    section = sections.Relay(**limits)
    return Inbound(section, rooms.database, rooms.store, rooms.leases, reading=reading, handing=handing), mirror


def chained(messages: Sequence[TopicMessage], after: Position = START) -> list[TopicMessage]:
    """The same with hashes that fit: what a liar shows who knows how."""
    made, previous = [], after.running_hash
    for sequence, message in enumerate(messages, after.sequence + 1):
        assert message.payer is not None
        previous = next_running_hash(
            previous,
            message.message,
            payer=message.payer,
            topic_id=message.topic_id,
            consensus_ns=message.consensus_ns,
            sequence=sequence,
        )
        made.append(replace(message, sequence=sequence, running_hash=previous))
    return made
