"""Builds the rooms of the two corridors out of the open storage and the network's clients."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bridge.config import Config
from bridge.config_sections import Topics
from bridge.crossing import confirm, recall, recognise
from bridge.database import Database
from bridge.protocol.directory import MEMO
from bridge.publish.bookkeeper import Bookkeeper
from bridge.publish.budgets import Budgets
from bridge.publish.carrier import Carrier
from bridge.publish.creations import Creations
from bridge.publish.directory import Directory
from bridge.publish.filling import Filling
from bridge.publish.ingest import Ingest
from bridge.publish.loading import Loader
from bridge.publish.makers import Makers, Turnstile
from bridge.publish.outbox import Entry
from bridge.publish.pool import Pool, PoolIntents
from bridge.publish.purse import Purse
from bridge.publish.rates import Rates
from bridge.publish.rotating import RotateAfter
from bridge.publish.submitter import Submitter
from bridge.publish.welcome import Welcome
from bridge.relay.direct import DirectReading
from bridge.relay.handing import Book, Handing, Reading
from bridge.relay.hot import Hot, HotTopics
from bridge.relay.inbound import Inbound
from bridge.relay.store import News
from bridge.relay.tail import TopicRules
from bridge.remotes import Remotes
from bridge.room_settings import budgets_of, section_as
from bridge.schema import registry
from bridge.storage import Storage, now_ms
from topics.creator import Creator, TopicTerms
from topics.fees import TINYBAR_PER_HBAR
from topics.mirror.answers import Page
from topics.mirror.rest import Mirror
from topics.mirror.streams import Streams
from topics.settlement import Sources, Witness
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class Outbound:
    """From an accepted change to consensus."""

    ingest: Ingest
    carrier: Carrier
    submitter: Submitter
    filling: Filling
    directory: Directory
    rates: Rates
    bookkeeper: Bookkeeper
    budgets: Budgets
    turnstile: Turnstile


def outbound(
    storage: Storage, remotes: Remotes, *, reject: Callable[[Sequence[Entry], str], Awaitable[None]]
) -> Outbound:
    """The outbound corridor. `reject` is told of entries that were parked, and why."""
    config, database = storage.config, storage.database
    network = config.network.name
    rates, budgets = Rates(remotes.mirror), budgets_of(config)
    terms = topic_terms(config)
    max_fee_tinybar = round(config.ledger.max_fee_hbar * TINYBAR_PER_HBAR)
    purse = Purse(budgets, rates.known, now_ms, max_fee_tinybar=max_fee_tinybar, terms=terms)
    loader = Loader(
        network=network,
        publish=config.publish,
        sign_frames=config.topics.sign_frames,
        valid_duration_s=config.ledger.valid_duration_s,
        ring=storage.ring,
        at_rest=storage.at_rest,
        signing_key=storage.keys.signing,
        ids=remotes.ids,
        wrap_for_recovery=lambda key, topic: storage.keys.wrap_for_recovery(key, network=network, topic_id=topic),
        now_ms=now_ms,
        purse=purse,
        rotate_after=section_as(RotateAfter, config.keys),
    )
    sources = Sources(remotes.ledger, remotes.mirror, remotes.ids.network.now_ns)
    made = topic_rooms(config.topics, database, loader, sources, remotes.witness, submit_key=remotes.submit_key)
    carrier = Carrier(
        database=database,
        loader=loader,
        sources=sources,
        witness=remotes.witness,
        creator=made.creator,
        max_fee_tinybar=max_fee_tinybar,
        reject=reject,
    )
    ingest = Ingest(
        database,
        storage.ring,
        storage.at_rest,
        Welcome(create_on_demand=config.topics.create_on_demand, sealed=config.relay.mode == "sealed"),
        now_ms=now_ms,
        pool=made.pool,
    )
    bookkeeper = Bookkeeper(database, remotes.mirror, rates, budgets=budgets, now_s=time.monotonic)
    by_turns = replace(carrier, creator=made.makers)
    is_mine = storage.leases.is_mine
    submitter = Submitter(config.publish, database, by_turns, is_mine=is_mine, makers=made.makers)
    return Outbound(
        ingest, carrier, submitter, made.filling, made.directory, rates, bookkeeper, budgets, made.turnstile
    )


def topic_terms(config: Config) -> TopicTerms:
    """What a topic is made by."""
    max_fee_tinybar = round(config.ledger.create_max_fee_hbar * TINYBAR_PER_HBAR)
    return section_as(TopicTerms, config.topics, config.ledger, max_fee_tinybar=max_fee_tinybar)


@dataclass(frozen=True, slots=True)
class TopicRooms:
    """From a new campaign to its topic: made at once, made in turn, or ready before."""

    creator: Creator
    makers: Makers
    pool: Pool
    filling: Filling
    directory: Directory
    turnstile: Turnstile


def topic_rooms(
    topics: Topics, database: Database, loader: Loader, sources: Sources, witness: Witness, *, submit_key: bytes
) -> TopicRooms:
    """What makes topics by the terms of the loader's purse, at one pace, and what lists them."""
    terms, turnstile = loader.purse.terms, Turnstile(topics.creations_per_s)
    window_s, purse, pool = loader.valid_duration_s, loader.purse, Pool.of(terms, submit_key)
    intents = Creations(database, loader.ids, valid_duration_s=window_s, purse=purse)
    creator = Creator(terms, intents, sources=sources, witness=witness, pace=turnstile.enter)
    makers = Makers(topics, creator, turnstile)
    ahead = PoolIntents(database, loader.ids, pool, valid_duration_s=window_s, purse=purse)
    for_pool = Creator(terms, ahead, sources=sources, witness=witness)
    retry_s = loader.publish.retry_max_s
    filling = Filling(topics, database, pool, source=for_pool, makers=makers, retry_s=retry_s)
    for_directory = Creator(replace(terms, memo=MEMO), intents, sources=sources, witness=witness, pace=makers.spare)
    directory = Directory(topics, database, loader, for_directory, sources, witness)
    return TopicRooms(creator, makers, pool, filling, directory, turnstile)


def inbound(
    storage: Storage,
    mirror: Mirror,
    *,
    publish: Callable[[Sequence[News]], None],
    book: Book,
    sample: Callable[[Page], None],
) -> Inbound:
    """The inbound corridor; what it has checked and stored goes to the outbox, as confirmed, and to `publish`.

    What it sees of the payer's submissions goes to `book`, each page that it has stored to `sample`.
    """
    return Inbound(
        storage.config.relay,
        storage.database,
        storage.store,
        storage.leases,
        reading=Reading(mirror, storage.ring, partial(topic_rules, storage), sample),
        handing=Handing(recognise, confirm, publish, book, partial(recall, storage.at_rest)),
    )


def hot_topics(storage: Storage, streams: Streams, reader: Inbound, *, hot: Callable[[], Hot]) -> HotTopics:
    """Streams for the campaigns that are awake, which `reader` takes from."""

    async def topics_of(refs: Sequence[str]) -> dict[str, TopicId]:
        found = await storage.database.read(lambda c: registry.find_all(c, refs))
        return {ref: each.topic_id for ref, each in found.items() if each.topic_id is not None}

    batch_messages = storage.config.relay.batch_messages
    return HotTopics(streams, reader, hot=hot, topics_of=topics_of, batch_messages=batch_messages)


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
