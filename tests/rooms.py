"""The bridge's rooms put together for a test: a real database, a real devnet without delays, real clients of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import shards
from bridge.crossing import confirm, recall, recognise
from bridge.database import Database
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import STORE, CampaignKeys, KeyRing
from bridge.leases import Leases
from bridge.protocol.door.catalogue import catalogue_with
from bridge.protocol.values import Change, Event
from bridge.publish import id_records, outbox
from bridge.publish.bookkeeper import Bookkeeper
from bridge.publish.budgets import Budgets
from bridge.publish.carrier import Carrier
from bridge.publish.directory import Directory
from bridge.publish.filling import Filling
from bridge.publish.ingest import Accepted, Ingest, Request
from bridge.publish.loading import Loader
from bridge.publish.outbox import Entry, EntryState
from bridge.publish.purse import Purse
from bridge.publish.rates import Rates
from bridge.publish.submitter import Submitter
from bridge.publish.welcome import Welcome
from bridge.relay.handing import Handing, Reading
from bridge.relay.inbound import Inbound
from bridge.relay.store import News, Store
from bridge.relay.tail import Batch, Progress, TopicRules, TopicTail
from bridge.rooms import TopicRooms, topic_rooms
from bridge.schema import registry
from bridge.supervise import supervised
from tests.footing import NETWORK, Terms, database_at
from tests.topics.client import QUICK, QUICK_MIRROR
from topics.creator import Creator, TopicTerms
from topics.devnet.settings import HBAR
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.network_time import NetworkTime
from topics.settlement import Sources
from topics.transaction_ids import TransactionIds
from topics.values import TopicId

WINDOW_S = 120
TOPIC_TERMS = TopicTerms("hcs-bridge:1", False, 7_776_000, 25 * HBAR)
QUICK_TOPICS = sections.Topics(creations_per_s=10_000)
NO_BUDGETS = Budgets()
DEADLINE_S = 20.0


@dataclass(frozen=True, slots=True)
class Rooms:
    """Every room of the two corridors, and what they handed on."""

    terms: Terms
    database: Database
    leases: Leases
    ring: KeyRing
    at_rest: AtRest
    ids: TransactionIds
    ledger: GrpcLedger
    mirror: Mirror
    loader: Loader
    creator: Creator
    carrier: Carrier
    submitter: Submitter
    filling: Filling
    directory: Directory
    ingest: Ingest
    store: Store
    inbound: Inbound
    sweep: Sweep
    news: list[News]
    rejected: list[tuple[bytes, str]]

    async def accept(self, *changes: Change, api_key: str = "backend") -> Accepted:
        """Take changes in, and wake the submitter as the door does."""
        accepted = await self.ingest.accept(changes, Request(api_key))
        self.submitter.wake({arrival.ref for arrival in accepted.arrivals})
        return accepted

    async def carry(self, ref: str) -> None:
        """Bring a campaign as far as it goes."""
        while await self.carrier.advance(ref):
            pass

    async def state(self, event_id: bytes) -> EntryState:
        """Where an accepted event is."""
        status = await self.database.read(lambda c: outbox.status(c, event_id))
        assert status is not None
        return status.state

    async def topic(self, ref: str) -> TopicId:
        """The topic of a campaign that has one."""
        registration = await self.database.read(lambda c: registry.find(c, ref))
        assert registration is not None
        assert registration.topic_id is not None
        return registration.topic_id

    async def on_ledger(self, ref: str) -> list[Event]:
        """Every event in the campaign's topic, in consensus order, as a reader of the mirror sees it; none skipped."""
        topic_id = await self.topic(ref)
        tail = TopicTail(self.rules(topic_id), Progress())
        found: list[Event] = []
        while messages := await self.mirror.messages(topic_id, after=tail.position.sequence):
            batch = await self.database.read(partial(self._open, tail, messages, ref))
            found += [placed.event for placed in batch.events]
            assert batch.progress.last_skip is None
        return found

    def _open(self, tail: TopicTail, messages: Sequence[Any], ref: str, connection: Connection) -> Batch:
        return tail.take(messages, CampaignKeys(self.ring, connection, ref))

    def rules(self, topic_id: TopicId) -> TopicRules:
        """How the bridge reads a topic of its own."""
        return TopicRules(NETWORK, topic_id, self.terms.public, sections.Relay())


@asynccontextmanager
async def rooms_on(
    terms: Terms,
    *,
    on_demand: bool = True,
    signed: bool = True,
    budgets: Budgets = NO_BUDGETS,
    topics: sections.Topics = QUICK_TOPICS,
    **publish: Any,
) -> AsyncIterator[Rooms]:
    """The rooms over the database at `terms.path`, only its writer going. Leaving the block is a crash of all else."""
    payer, key = terms.devnet.operator_id, OperatorKey.parse(terms.devnet.operator_key)
    ring = KeyRing(terms.master, max_cached=100)
    async with database_at(terms.path) as database:
        at_rest = await database.write(lambda c: AtRest(ring.ensure(c, STORE, now_ms=terms.clock.ms())))
        leases = Leases(sections.Lease(), database.kind.now_ms, number=0, carries=True)
        await database.write(leases.take_all)
        last_ns = await database.read(lambda c: id_records.last_valid_start_ns(c, payer))
        network = NetworkTime(terms.clock, elapsed_ns=terms.clock.elapsed)
        ids = TransactionIds(
            payer,
            last_ns=last_ns,
            now_ns=terms.clock,
            network=network,
            is_taken=partial(id_records.is_recorded, database.engine),
        )
        ledger = GrpcLedger(
            [Node(account, address) for account, address in terms.devnet.nodes.items()],
            operator=Operator(payer, key, ids.next, network.refused, network.expired),
            settings=QUICK,
        )
        mirror = Mirror(terms.devnet.mirror_url, QUICK_MIRROR, network_time=network)
        rates = Rates(mirror)
        _ = budgets and await rates.now()
        section = sections.Publish(**{"linger_ms": 0, "retry_initial_s": 0.02, "retry_max_s": 0.1, **publish})
        loader = Loader(
            network=NETWORK,
            publish=section,
            sign_frames=signed,
            valid_duration_s=WINDOW_S,
            ring=ring,
            at_rest=at_rest,
            signing_key=terms.signing,
            ids=ids,
            wrap_for_recovery=lambda _key, _owner: None,
            now_ms=terms.clock.ms,
            purse=Purse(budgets, rates.known, terms.clock.ms, max_fee_tinybar=2 * HBAR, terms=TOPIC_TERMS),
        )
        cursor_ns = await database.read(shards.cursor_ns)
        try:
            sources = Sources(ledger, mirror, ids.network.now_ns)
            made = topic_rooms(topics, database, loader, sources, ledger, submit_key=key.public_bytes)
            ingest = Ingest(database, ring, at_rest, Welcome(on_demand), now_ms=terms.clock.ms, pool=made.pool)
            remotes = ledger, mirror, rates, Sweep(mirror, payer, cursor_ns=cursor_ns)
            yield _joined(terms, database, leases, loader, ingest, made, remotes=remotes)
        finally:
            await mirror.close()
            await ledger.close()


@asynccontextmanager
async def going(rooms: Rooms, *loops: str) -> AsyncIterator[None]:
    """Run the submitter and the relay (or those named; the filling of the pool too) beside the block."""
    known: dict[str, Callable[[], Any]] = {
        "submitter": rooms.submitter.run,
        "inbound": partial(rooms.inbound.run, rooms.sweep, poll_interval_s=0.02),
        "filling": rooms.filling.run,
    }
    async with supervised({name: known[name] for name in loops or ("submitter", "inbound")}):
        yield


async def until(condition: Callable[[], Any], *, deadline_s: float = DEADLINE_S) -> None:
    """Wait until `condition` (a function or a coroutine function) is true; fail at the deadline."""
    async with asyncio.timeout(deadline_s):
        while True:
            found = condition()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.01)


def change(campaign_id: str | None = "c1", *, user_id: str | None = None, **payload: Any) -> Change:
    """A change as the door hands it on."""
    name, data_type = ("BALANCE_UPDATE", "BALANCE") if campaign_id is None else ("CAMPAIGN_STATUS_UPDATE", "CAMPAIGN")
    return Change(name, data_type, payload or {"newStatus": "CampaignRunning"}, campaign_id, user_id, None)


def _joined(
    terms: Terms,
    database: Database,
    leases: Leases,
    loader: Loader,
    ingest: Ingest,
    made: TopicRooms,
    *,
    remotes: tuple[GrpcLedger, Mirror, Rates, Sweep],
) -> Rooms:
    """What app.py does."""
    ledger, mirror, rates, sweep = remotes
    news, rejected = list[News](), list[tuple[bytes, str]]()

    async def reject(entries: Sequence[Entry], reason: str) -> None:
        rejected.extend((entry.event_id, reason) for entry in entries)

    sources = Sources(ledger, mirror, loader.ids.network.now_ns)
    carrier = Carrier(database, loader, sources, ledger, made.creator, 2 * HBAR, reject)
    bookkeeper = Bookkeeper(database, mirror, rates, budgets=loader.purse.budgets, now_s=time.monotonic)
    store = Store(loader.at_rest, catalogue_with().data_type)
    reading = Reading(mirror, loader.ring, lambda t: TopicRules(NETWORK, t, terms.public, sections.Relay()))
    handing = Handing(recognise, confirm, news.extend, bookkeeper.book, partial(recall, loader.at_rest))
    inbound = Inbound(sections.Relay(), database, store, leases, reading=reading, handing=handing)
    turns, is_mine = replace(carrier, creator=made.makers), leases.is_mine
    submitter = Submitter(loader.publish, database, turns, is_mine=is_mine, makers=made.makers)
    return Rooms(
        terms, database, leases, loader.ring, loader.at_rest, loader.ids, ledger, mirror, loader, made.creator, carrier,
        submitter, made.filling, made.directory, ingest, store, inbound, sweep, news, rejected,
    )  # fmt: skip
