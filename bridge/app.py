"""Composition root: opens the storage, builds the corridors and the doors, joins them, and runs it all."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bridge import settings
from bridge.config import Config
from bridge.console.console import Console
from bridge.descriptors import Shortage
from bridge.desk.granting import Granting
from bridge.desk.keys import KeyDesk
from bridge.desk.outbox import Desk, Waits
from bridge.desk.proofs import Proofs
from bridge.doors import Announcer, Backend
from bridge.front import Front, front, readers
from bridge.gateway.api import Parts
from bridge.gateway.hub import Hub
from bridge.gateway.pages import Pages
from bridge.log import get_logger
from bridge.metrics import Metrics, time_the_loop
from bridge.protocol.values import JSON
from bridge.publish import id_records
from bridge.publish.forgetting import forget
from bridge.publish.submitter import Submitter
from bridge.readiness import Readiness
from bridge.relay.hot import Hot
from bridge.relay.inbound import Book, Inbound
from bridge.relay.pruning import prune
from bridge.relay.same_network import check_same_network
from bridge.relay.store import News
from bridge.reloading import Reloading
from bridge.remotes import Remotes, connected
from bridge.rooms import Outbound, hot_topics, inbound, outbound
from bridge.schema import registry
from bridge.storage import Storage, now_ms, opened
from bridge.supervise import Loop, stop_signal, supervised
from bridge.systemd import Service
from bridge.tracing import Tracer
from bridge.watch import Watch
from topics.mirror.answers import Page
from topics.mirror.cross_check import CrossCheck
from topics.mirror.foreign import ForeignRound, WideSweep
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.registry import TopicState
from topics.values import TopicId

log = get_logger(__name__)

WEB = Path(__file__).parent / "web"
NOBODY = Service()
STUCK_S = 60.0
"""Without a request to any mirror, beyond the pause that they may want: the relay has stopped."""
CAMPAIGNS = "campaign:"  # how their channels' names begin


@dataclass(frozen=True, slots=True)
class Bridge:
    """A running bridge: where its doors are."""

    http_url: str
    gateway_url: str


async def serve(config: Config, unit: Service = NOBODY, read: Callable[[], Config] | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT, then drain. A loop that falls comes out as an ExceptionGroup.

    At SIGHUP it takes what can be taken of the configuration that `read` gets.
    """
    asyncio.get_running_loop().set_exception_handler(Shortage())
    async with running(config, unit=unit, read=read) as bridge:
        gc.freeze()  # what is here stays: a collection that looks through all of it holds up every request meanwhile
        log.info("ready", http=bridge.http_url, gateway=bridge.gateway_url, network=config.network.name)
        unit.tell("READY=1")
        await stop_signal()
        log.info("stopping")
        unit.tell("STOPPING=1", "STATUS=lets clients go and flights settle")


@asynccontextmanager
async def running(
    config: Config,
    *,
    unit: Service = NOBODY,
    page_data: Callable[[], JSON] | None = None,
    read: Callable[[], Config] | None = None,
) -> AsyncIterator[Bridge]:
    """The whole bridge beside the block: it listens when the block begins, and has drained when the block was left.

    Raises ConfigInvalid, DatabaseHeld, AddressUnusable.
    """
    async with opened(config, alone=True) as storage, _reached(storage) as remotes:
        await check_same_network(storage.database, remotes.mirror)
        house = await _built(storage, remotes, page_data)
        loops = _loops(house, unit)
        if read is not None:
            loops["reload"] = Reloading(config, read, house.out, house.front, unit).run
        await house.front.start(unit.sockets)
        async with supervised(loops):
            yield Bridge(*house.front.urls(config))
            await house.front.api.stop()  # with it the gateway's clients leave, streams and sockets in one spread
            await house.out.submitter.drain()


@asynccontextmanager
async def _reached(storage: Storage) -> AsyncIterator[Remotes]:
    """The network, under ids that go on from those on record."""
    database, account = storage.database, storage.config.operator.account
    last_ns = await database.read(lambda c: id_records.last_valid_start_ns(c, account))
    is_taken = partial(id_records.is_recorded, database.engine)
    async with connected(storage.config, last_valid_start_ns=last_ns, is_taken=is_taken) as remotes:
        yield remotes


@dataclass(frozen=True, slots=True)
class House:
    """Every room, joined, and nothing running yet."""

    storage: Storage
    remotes: Remotes
    hub: Hub
    out: Outbound
    room: Inbound
    relay: Loop
    check: CrossCheck
    readiness: Readiness
    front: Front
    tracer: Tracer | None


async def _built(storage: Storage, remotes: Remotes, page_data: Callable[[], JSON] | None) -> House:
    hub = Hub()
    announcer = Announcer(storage, hub)
    out = outbound(storage, remotes, reject=announcer.reject)
    mirrors, keys, node_failures = remotes.mirror.mirrors, storage.config.mirror, remotes.ledger.node_failures
    check = CrossCheck(remotes.mirror, share=keys.cross_check, max_unchecked=keys.max_unchecked)
    tracer = Tracer(storage.config.tracing, storage.database) if storage.config.tracing.endpoint else None
    deliver = partial(_deliver, hub, tracer)
    room, relay = await _relay(storage, remotes, deliver, book=out.bookkeeper.book, sample=check.sample)
    backend, waits = Backend(storage, out, hub), Waits(out.submitter.waits, node_failures)
    intake, clock = readers(storage.config, backend), remotes.ids.network.clock_ahead_s
    readiness = Readiness(storage.database, mirrors, node_failures, intake, clock)
    metrics = Metrics(storage.database, remotes, out)
    parts = Parts(
        Pages(WEB, page_data),
        Desk(storage, announcer, wake=out.submitter.hurry, revisit=room.revisit, waits=waits),
        readiness=readiness.look,
        keys=KeyDesk(storage, out, wake=out.submitter.wake),
        console=Console(storage, mirrors, waits, out.budgets),
        proofs=Proofs(storage, remotes.mirror),
        granting=Granting(storage, wake=out.submitter.wake),
        traced=None if tracer is None else tracer.accepted,
        metrics=metrics.text,
    )
    doors = await front(storage, backend, hub, parts)
    metrics.gateway = doors.gateway
    return House(storage, remotes, hub, out, room, relay, check, readiness, doors, tracer)


def _loops(house: House, unit: Service) -> dict[str, Loop]:
    """What goes on beside each other until the bridge ends."""
    config, database, out, doors = house.storage.config, house.storage.database, house.out, house.front
    mirrors, streams, relay, mirror = house.remotes.mirror.mirrors, house.remotes.streams, config.relay, config.mirror
    patience_s = STUCK_S + mirror.backoff_max_s
    watch = Watch(house.readiness.look, mirrors, lambda: doors.gateway.connections, patience_s=patience_s)
    settled = {"settled_days": config.publish.keep_settled_days, "settled_events": config.publish.keep_settled_events}
    users = {"keep_publications": relay.keep_user_publications, "keep_days": relay.keep_user_days}
    campaigns = {"keep_publications": relay.keep_campaign_publications, "keep_days": relay.keep_campaign_days}
    loops: dict[str, Loop] = {
        "systemd": partial(unit.run, watch.status),
        "database": database.run,
        "submitter": out.submitter.run,
        "pool": out.filling.run,
        "forgetting": partial(forget, database, keys_h=config.http.idempotency_keep_h, **settled, now_ms=now_ms),
        "pruning": partial(prune, database, kind="user", **users, now_ms=now_ms),
        "relay": house.relay,
        "rates": out.rates.run,
        "event loop": time_the_loop,
        "gateway": doors.gateway.run,
        "http": doors.api.run,
    }
    loops |= {f"{door} certificate": certificate.run for door, certificate in doors.tls.items()}
    loops |= {f"intake {reader.name}": reader.run for reader in house.readiness.readers}
    if len(mirrors) > 1:
        loops["mirrors"] = mirrors.run
        loops["cross-check"] = partial(house.check.run, interval_s=mirror.check_interval_s)
    if any(campaigns.values()):
        loops["pruning of campaigns"] = partial(prune, database, kind="campaign", **campaigns, now_ms=now_ms)
    if config.topics.directory:
        loops["directory"] = out.directory.run
    if house.tracer is not None:
        loops["tracing"] = house.tracer.run
    if streams.capacity:
        hot = partial(_hot, out.submitter, house.hub)
        loops["streams"] = hot_topics(house.storage, streams, house.room, hot=hot).run
    return loops


def _hot(submitter: Submitter, hub: Hub) -> Hot:
    """Whoever waits for something to come out of the ledger."""
    watched = {name.removeprefix(CAMPAIGNS) for name in hub.channels if name.startswith(CAMPAIGNS)}
    return Hot(submitter.flying, watched)


def _deliver(hub: Hub, tracer: Tracer | None, news: Sequence[News]) -> None:
    """What is on record now goes to whoever is subscribed."""
    began_ns = time.time_ns()
    for item in news:
        hub.publish(item.channel, item.publication.data, offset=item.publication.offset)
    if tracer is not None:
        tracer.relayed(news, began_ns)


async def _relay(
    storage: Storage,
    remotes: Remotes,
    deliver: Callable[[Sequence[News]], None],
    *,
    book: Book,
    sample: Callable[[Page], None],
) -> tuple[Inbound, Loop]:
    """The inbound corridor and its loop, from where the last run came to."""
    sweep = await _sweep(storage, remotes.mirror)
    room = inbound(storage, remotes.mirror, publish=deliver, book=book, sample=sample)
    return room, partial(room.run, sweep, poll_interval_s=storage.config.mirror.poll_interval_s)


async def _sweep(storage: Storage, mirror: Mirror) -> Sweep:
    """What tells which topics moved; with `mirror.foreign_interval_s` also those that others wrote to."""
    payer, keys = storage.config.operator.account, storage.config.mirror
    cursor_ns = await storage.database.read(settings.cursor_ns)
    if not keys.foreign_interval_s:
        return Sweep(mirror, payer, cursor_ns=cursor_ns, slack_ns=settings.SLACK_NS)

    async def open_topics() -> list[TopicId]:
        found = await storage.database.read(lambda c: list(registry.all(c)))
        return [each.topic_id for each in found if each.topic_id is not None and each.state is not TopicState.CLOSED]

    foreign = ForeignRound(
        mirror, open_topics, interval_s=keys.foreign_interval_s, max_requests_per_s=keys.max_requests_per_s
    )
    return WideSweep(mirror, payer, foreign, cursor_ns=cursor_ns, slack_ns=settings.SLACK_NS)
