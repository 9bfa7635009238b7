"""Builds the rooms of the two corridors out of the open storage and the network's clients."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from bridge.publish import outbox
from bridge.publish.carrier import Carrier
from bridge.publish.creations import Creations
from bridge.publish.ingest import Ingest
from bridge.publish.loading import Loader
from bridge.publish.outbox import Confirmation, Entry
from bridge.publish.submitter import Submitter
from bridge.relay.direct import DirectReading
from bridge.relay.inbound import Handing, Inbound, Reading
from bridge.relay.store import News
from bridge.relay.tail import Batch, TopicRules
from bridge.remotes import Remotes
from bridge.room_settings import section_as
from bridge.storage import Storage, now_ms
from topics.creator import Creator, TopicTerms
from topics.fees import TINYBAR_PER_HBAR
from topics.mirror.rest import Mirror
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class Outbound:
    """From an accepted change to consensus."""

    ingest: Ingest
    carrier: Carrier
    submitter: Submitter


def outbound(
    storage: Storage, remotes: Remotes, *, reject: Callable[[Sequence[Entry], str], Awaitable[None]]
) -> Outbound:
    """The outbound corridor. `reject` is told of entries that were parked, and why."""
    config, database = storage.config, storage.database
    network = config.network.name
    loader = Loader(
        network=network,
        publish=config.publish,
        sign_frames=config.topics.sign_frames,
        valid_duration_s=config.ledger.valid_duration_s,
        ring=storage.ring,
        at_rest=storage.at_rest,
        signing_key=storage.keys.signing,
        ids=remotes.ids,
        wrap_for_recovery=lambda key, owner: storage.keys.wrap_for_recovery(key, network=network, owner=owner),
        now_ms=now_ms,
    )
    creator = Creator(
        section_as(
            TopicTerms,
            config.topics,
            config.ledger,
            max_fee_tinybar=round(config.ledger.create_max_fee_hbar * TINYBAR_PER_HBAR),
        ),
        Creations(database, remotes.ids, valid_duration_s=config.ledger.valid_duration_s),
        ledger=remotes.ledger,
        mirror=remotes.mirror,
        now_ns=time.time_ns,
    )
    carrier = Carrier(
        database=database,
        loader=loader,
        ledger=remotes.ledger,
        mirror=remotes.mirror,
        creator=creator,
        max_fee_tinybar=round(config.ledger.max_fee_hbar * TINYBAR_PER_HBAR),
        now_ns=time.time_ns,
        reject=reject,
    )
    ingest = Ingest(
        database, storage.ring, storage.at_rest, create_on_demand=config.topics.create_on_demand, now_ms=now_ms
    )
    return Outbound(ingest, carrier, Submitter(config.publish, database, carrier))


def inbound(storage: Storage, mirror: Mirror, *, publish: Callable[[Sequence[News]], None]) -> Inbound:
    """The inbound corridor; what it has checked and stored goes to the outbox, as confirmed, and to `publish`."""
    return Inbound(
        storage.config.relay,
        storage.database,
        storage.store,
        reading=Reading(mirror, storage.ring, partial(topic_rules, storage)),
        handing=Handing(_confirm, publish),
    )


def direct_reading(storage: Storage, mirror: Mirror) -> DirectReading:
    """Reading without the corridor: only keys come from the database."""
    return DirectReading(
        database=storage.database,
        ring=storage.ring,
        mirror=mirror,
        limits=storage.config.relay,
        data_type=storage.catalogue.data_type,
        rules=partial(topic_rules, storage),
    )


def topic_rules(storage: Storage, topic_id: TopicId) -> TopicRules:
    """How a topic of ours is read: the pinned key is our own."""
    return TopicRules(storage.config.network.name, topic_id, storage.keys.public, storage.config.relay)


def _confirm(connection: Connection, batch: Batch) -> None:
    outbox.confirm(
        connection,
        [
            Confirmation(
                placed.event.id,
                str(placed.place.topic_id),
                placed.place.sequence,
                placed.place.index,
                placed.place.consensus_ns,
            )
            for placed in batch.events
        ],
    )
