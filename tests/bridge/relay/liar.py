"""A mirror that lies about one topic in any of the ways there are, and what stands in that topic in truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, insert, select, update

from bridge import config_sections as sections
from bridge.crossing import confirm, recognise
from bridge.keys.ring import campaign_owner
from bridge.protocol.values import TopicContext
from bridge.protocol.wire.events import code_event
from bridge.protocol.wire.frame import Sealing, seal_frame
from bridge.relay.handing import Handing, Reading
from bridge.relay.inbound import Inbound
from bridge.relay.store import News
from bridge.schema import flights, metadata, transactions
from tests.bridge.protocol.samples import counted_ivs, event, fixed_key
from tests.bridge.relay.bent_mirror import cursor, publish
from tests.bridge.relay.lies import Lie
from tests.footing import NETWORK
from tests.rooms import Rooms
from tests.topics.client import QUICK_MIRROR
from topics.mirror.answers import Page
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.values import TopicId, TopicMessage

LONG = "x" * 2_000
PINNED_FRAMES, FRAMES = 4, 7
"""Frames that receipts pin, and all that there are: behind the last receipt come three more."""

COVERED = ("topic_id", "sequence", "consensus_ns", "message", "running_hash", "payer")
"""What the running hash covers of a message: all but the chunk info."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Campaign c1's topic (and c2's beside it), written and not read yet.

    `pinned` is the last sequence number that a receipt tells of. `forged` are frames under the campaign's own epoch,
    but another's signature, by the producer sequence that they pretend to be.
    """

    rooms: Rooms
    topic_id: TopicId
    truth: tuple[TopicMessage, ...]
    others: tuple[TopicMessage, ...]
    pinned: int
    forged: tuple[bytes, ...]
    tables: dict[str, list[dict[str, Any]]]
    cursor_ns: int

    async def restore(self) -> None:
        """As nothing had been read."""

        def put_back(connection: Any) -> None:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
            for table in metadata.sorted_tables:
                if self.tables[table.name]:
                    connection.execute(insert(table), self.tables[table.name])

        await self.rooms.database.write(put_back)

    def is_true(self, message: TopicMessage, *, chunk_too: bool = False) -> bool:
        """Whether the ledger has just this message at its place."""
        if not 1 <= message.sequence <= len(self.truth):
            return False
        true = self.truth[message.sequence - 1]
        return all(getattr(message, name) == getattr(true, name) for name in (*COVERED, *["chunk"] * chunk_too))

    def first_false(self, seen: Sequence[TopicMessage]) -> int:
        """The place, from 1, of the first message that the ledger hasn't there; 0 for none."""
        return next((at for at, each in enumerate(seen, 1) if each.sequence != at or not self.is_true(each)), 0)


async def written(rooms: Rooms) -> Ground:
    """Frames alone and in chunks. Of those behind the receipts it isn't known yet where they stand."""
    for number in range(FRAMES):
        await publish(rooms, "c1", "c2", text=LONG if number in (1, 5) else f"{number}")
    topic_id, other_id = await rooms.topic("c1"), await rooms.topic("c2")
    truth = tuple(await rooms.mirror.messages(topic_id, after=0))
    others = tuple(await rooms.mirror.messages(other_id, after=0))

    def forget(connection: Any) -> int:
        behind = select(flights.c.id).where(
            flights.c.topic_id == str(topic_id), flights.c.producer_sequence > PINNED_FRAMES
        )
        unknown = transactions.c.flight_id.in_(behind)
        connection.execute(update(transactions).where(unknown).values(sequence=None, running_hash=None))
        known = select(transactions.c.sequence).join(flights, flights.c.id == transactions.c.flight_id)
        sequences = connection.execute(known.where(flights.c.topic_id == str(topic_id))).scalars()
        return max(int(sequence or 0) for sequence in sequences)

    pinned = await rooms.database.write(forget)
    epoch = await rooms.database.read(lambda c: rooms.ring.current(c, campaign_owner("c1")))
    assert epoch is not None
    forger = Ed25519PrivateKey.from_private_bytes(fixed_key("a reader who was granted the epoch"))
    sealing = Sealing(epoch, counted_ivs(), lambda _user: epoch, forger)
    forged = tuple(
        seal_frame(
            [code_event(event(number))],
            context=TopicContext(NETWORK, topic_id, signed=True),
            producer_sequence=number,
            sealing=sealing,
        )
        for number in range(1, FRAMES + 2)
    )
    tables = await rooms.database.read(
        lambda c: {
            table.name: [dict(row) for row in c.execute(select(table)).mappings()] for table in metadata.tables.values()
        }
    )
    return Ground(rooms, topic_id, truth, others, pinned, forged, tables, await cursor(rooms))


class LyingMirror(Mirror):
    """Several mirrors, the first of which lies about the topic."""

    lie: Lie | None = None
    topic_id: TopicId | None = None

    async def messages(self, topic_id: TopicId, *, after: int, limit: int = 100) -> Page:
        shown = await super().messages(topic_id, after=after, limit=limit)
        if self.lie is None or topic_id != self.topic_id or shown.source != next(iter(self.mirrors)).url:
            return shown
        return Page(self.lie.page(after, limit), shown.source)


@dataclass(slots=True)
class Reader:
    """The inbound corridor over the mirrors: what came out of it, and the pages that it stored."""

    inbound: Inbound
    sweep: Sweep
    news: list[News]
    pages: list[Page]

    async def read(self) -> None:
        """Until there is nothing more to be had."""
        for _ in range(3):
            await self.inbound.round(self.sweep)


def reader(ground: Ground, mirror: LyingMirror, lie: Lie | None, *, batch: int = 100) -> Reader:
    """A new one, at the beginning of everything."""
    mirror.lie, mirror.topic_id = lie, ground.topic_id
    mirror.mirrors.trust(ground.topic_id)
    news: list[News] = []
    pages: list[Page] = []
    rooms = ground.rooms
    reading = Reading(mirror, rooms.ring, rooms.rules, pages.append)
    handing = Handing(recognise, confirm, news.extend)
    section = sections.Relay(batch_messages=batch)
    inbound = Inbound(section, rooms.database, rooms.store, rooms.leases, reading=reading, handing=handing)
    sweep = Sweep(mirror, rooms.terms.devnet.operator_id, cursor_ns=ground.cursor_ns)
    return Reader(inbound, sweep, news, pages)


def mirrors(ground: Ground, count: int) -> LyingMirror:
    """So many of the network's mirrors, the liar first."""
    first, *others = (each.rest.url for each in ground.rooms.terms.devnet.mirrors[:count])
    return LyingMirror(first, replace(QUICK_MIRROR, backoff_max_s=0.05), others=others)
