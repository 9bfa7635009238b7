"""What the command line does by itself, with the database and the network, where no daemon is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from bridge.config import Config
from bridge.errors import CampaignRefused
from bridge.gateway.backend import EventView
from bridge.protocol import envelope
from bridge.protocol.channels import Channel
from bridge.publish import costs, id_records, outbox
from bridge.publish.budgets import Scope, usd, usd_per_hbar
from bridge.publish.costs import Cost, Sum
from bridge.publish.directory import Listing, listings
from bridge.publish.outbox import Entry, EntryState
from bridge.publish.pool import Place, Pool
from bridge.relay import progress
from bridge.relay.direct import tail_channel
from bridge.relay.store import Source
from bridge.relay.tail import Progress
from bridge.remotes import connected, mirror_of, operator_key
from bridge.room_settings import budgets_of
from bridge.rooms import Outbound, direct_reading, outbound, topic_terms
from bridge.schema import registry
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from topics.errors import StartInFuture
from topics.registry import Registration, TopicState
from topics.values import TopicId, format_timestamp

_STATUS = {
    EntryState.WAITING: "accepted",
    EntryState.FLYING: "accepted",
    EntryState.SUBMITTED: "submitted",
    EntryState.CONFIRMED: "confirmed",
    EntryState.PARKED: "parked",
    EntryState.DROPPED: "dropped",
}


@dataclass(frozen=True, slots=True)
class TopicView:
    """What is known of a campaign's topic. `sequence` is the last message that was read and checked."""

    campaign: str
    owner: str | None
    topic_id: str | None
    status: str
    sequence: int
    skipped: int
    last_skip: str | None
    halted: str | None
    relay: str = "plain"


async def topics(config: Config) -> list[TopicView]:
    """Every registered campaign, oldest first. Reads only, also beside a running daemon."""
    async with opened(config, alone=False) as storage:
        return await storage.database.read(lambda c: [topic_view(c, found) for found in registry.all(c)])


async def topic(config: Config, campaign_id: str) -> TopicView | None:
    """One campaign; None if it isn't registered."""
    async with opened(config, alone=False) as storage:
        return await storage.database.read(lambda c: campaign_view(c, campaign_id))


async def pool(config: Config) -> list[Place]:
    """The topics that were made ahead of time. Reads only, also beside a running daemon. Raises ConfigInvalid."""
    ours = Pool.of(topic_terms(config), operator_key(config.operator).public_bytes)
    async with opened(config, alone=False) as storage:
        return await storage.database.read(ours.places)


async def directory(config: Config) -> list[Listing]:
    """The directory, and which topics it lists. Reads only, also beside a running daemon."""
    async with opened(config, alone=False) as storage:
        return await storage.database.read(listings)


async def topic_named(config: Config, name: str) -> TopicView | None:
    """One campaign, by its id or by its topic's; None if neither is registered."""
    async with opened(config, alone=False) as storage:
        return await storage.database.read(lambda c: _by_topic(c, name) or campaign_view(c, name))


async def create_topic(
    config: Config, campaign_id: str, owner_id: str | None, *, sealed: bool | None = None
) -> TopicView:
    """Make the campaign's topic and its manifest, or find them made. `sealed` None: as configured for new ones.

    Takes the database for this process. Raises CampaignRefused (another owner, or relay mode), DatabaseHeld (a daemon
    runs: ask it), Unavailable, Rejected.
    """
    async with opened(config, alone=True) as storage, carrying(storage) as rooms:
        registered = await rooms.ingest.register(campaign_id, owner_id, sealed=sealed)
        patience = config.ledger.max_attempts
        while registered.state in (TopicState.INTENDED, TopicState.CREATED):
            try:
                await rooms.carrier.advance(campaign_id)
            except StartInFuture:  # each one tells more of the network's time, and the next id begins earlier
                patience -= 1
                if not patience:
                    raise
            registered = await rooms.ingest.register(campaign_id, owner_id)
        return await storage.database.read(lambda c: topic_view(c, registered))


@asynccontextmanager
async def carrying(storage: Storage) -> AsyncIterator[Outbound]:
    """The outbound corridor worked by hand; only the database's writer goes. Raises Unavailable."""
    config, database = storage.config, storage.database
    last = await database.read(lambda c: id_records.last_valid_start_ns(c, config.operator.account))
    is_taken = partial(id_records.is_recorded, database.engine)
    async with (
        connected(config, last_valid_start_ns=last, is_taken=is_taken) as remotes,
        supervised({"database": database.run}),
    ):
        rooms = outbound(storage, remotes, reject=_nobody_listens)
        if budgets_of(config):
            await rooms.rates.now()
        yield rooms


async def costs_by(config: Config, scope: Scope) -> list[Sum]:
    """What was spent, by campaign, day or API key. Reads only, also beside a running daemon."""
    async with opened(config, alone=False) as storage:
        return await storage.database.read(lambda c: costs.sums(c, scope))


async def tail(config: Config, channel_name: str) -> AsyncIterator[dict[str, Any]]:
    """The publications of a channel straight from the mirror, as a client of the gateway would get them, for ever.

    Raises CampaignRefused for a campaign that has no topic yet, and ValueError for what is no channel's name.
    """
    channel = Channel.parse(channel_name)
    async with opened(config, alone=False) as storage:
        sources = await storage.database.read(lambda c: _sources(c, channel))
        mirror = mirror_of(config)
        try:
            reading = direct_reading(storage, mirror)
            async for found in tail_channel(reading, channel, sources, poll_interval_s=config.mirror.poll_interval_s):
                yield msgspec.json.decode(found.data)
        finally:
            await mirror.close()


def campaign_view(connection: Connection, campaign_id: str) -> TopicView | None:
    """A registered campaign, or None."""
    found = registry.find(connection, campaign_id)
    return None if found is None or found.state is TopicState.NONE else topic_view(connection, found)


def event_view(connection: Connection, event_id: bytes) -> EventView | None:
    """What became of an accepted event; None for an id that was never given."""
    status = outbox.status(connection, event_id)
    if status is None:
        return None
    cost = costs.of_event(connection, event_id)
    return EventView(
        id=str(UUID(bytes=status.event_id)),
        status=_STATUS[status.state],
        channel=status.channel,
        accepted_at=envelope.iso_time(status.accepted_ms),
        topic_id=status.topic_id,
        sequence=status.sequence,
        index=status.index,
        consensus_timestamp=None if status.consensus_ns is None else format_timestamp(status.consensus_ns),
        reason=status.reason,
        cost=None if cost is None else _cost_view(cost),
    )


def _cost_view(cost: Cost) -> dict[str, str]:
    return {"tinybar": str(cost.tinybar), "usd": usd(cost.tinycents), "usdPerHbar": usd_per_hbar(cost.rate)}


def _by_topic(connection: Connection, name: str) -> TopicView | None:
    try:
        found = registry.by_topic(connection, TopicId.parse(name))
    except ValueError:
        return None
    return None if found is None else topic_view(connection, found)


def topic_view(connection: Connection, registration: Registration) -> TopicView:
    """Put together from the registry and from how far the topic has been read."""
    topic_id = registration.topic_id
    read = Progress() if topic_id is None else progress.of(connection, topic_id)
    return TopicView(
        campaign=registration.ref,
        owner=registration.owner,
        topic_id=None if topic_id is None else str(topic_id),
        status=registration.status,
        sequence=read.opened_sequence,
        skipped=read.skipped,
        last_skip=read.last_skip,
        halted=None if topic_id is None else progress.halted(connection, topic_id),
        relay="sealed" if registration.sealed else "plain",
    )


def _sources(connection: Connection, channel: Channel) -> list[Source]:
    """The campaign's own topic; for a user every topic that there is."""
    known = [found for found in registry.all(connection) if channel.kind == "user" or found.ref == channel.id]
    sources = [Source(found.topic_id, found.ref) for found in known if found.topic_id is not None]
    if channel.kind == "campaign" and not sources:
        raise CampaignRefused(channel.id, "has no topic", status=404, hint="see `hcs-bridge topic list`")
    return sources


async def _nobody_listens(_entries: Sequence[Entry], _reason: str) -> None:
    """No client is connected to a command; the next subscribe reply says it."""
