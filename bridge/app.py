"""Composition root: opens the storage, builds the corridors and the doors, joins them, and runs it all."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bridge import settings
from bridge.config import Config
from bridge.console.console import Console
from bridge.desk import Desk, Waits
from bridge.doors import Announcer, Backend, ChannelHistory, kept_revocations
from bridge.gateway.api import ApiServer, Parts
from bridge.gateway.certificate import Certificate
from bridge.gateway.clients import Clients
from bridge.gateway.connection import Rooms
from bridge.gateway.hub import Hub
from bridge.gateway.pages import Pages
from bridge.gateway.presence import Presence
from bridge.gateway.server import PATH, GatewayServer
from bridge.granting import Granting
from bridge.key_desk import KeyDesk
from bridge.log import get_logger
from bridge.proofs import Proofs
from bridge.protocol.values import JSON
from bridge.publish import id_records
from bridge.publish.forgetting import forget_keys
from bridge.publish.submitter import Submitter
from bridge.readiness import Readiness
from bridge.relay.hot import Hot
from bridge.relay.inbound import Book, Inbound
from bridge.relay.pruning import prune
from bridge.relay.same_network import check_same_network
from bridge.relay.store import News
from bridge.remotes import Remotes, connected
from bridge.room_settings import authenticator, gateway_settings, http_settings
from bridge.rooms import hot_topics, inbound, outbound
from bridge.schema import registry
from bridge.storage import Storage, now_ms, opened
from bridge.supervise import Loop, stop_signal, supervised
from bridge.systemd import Service
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


async def serve(config: Config, unit: Service = NOBODY) -> None:
    """Run the daemon until SIGTERM or SIGINT, then drain. A loop that falls comes out as an ExceptionGroup."""
    async with running(config, unit=unit) as bridge:
        gc.freeze()  # what is here stays: a collection that looks through all of it holds up every request meanwhile
        log.info("ready", http=bridge.http_url, gateway=bridge.gateway_url, network=config.network.name)
        unit.tell("READY=1")
        await stop_signal()
        log.info("stopping")
        unit.tell("STOPPING=1", "STATUS=lets clients go and flights settle")


@asynccontextmanager
async def running(
    config: Config, *, unit: Service = NOBODY, page_data: Callable[[], JSON] | None = None
) -> AsyncIterator[Bridge]:
    """The whole bridge beside the block: it listens when the block begins, and has drained when the block was left.

    Raises ConfigInvalid, DatabaseHeld, AddressUnusable.
    """
    async with opened(config, alone=True) as storage:
        account = config.operator.account
        last_ns = await storage.database.read(lambda c: id_records.last_valid_start_ns(c, account))
        is_taken = partial(id_records.is_recorded, storage.database.engine)
        async with connected(config, last_valid_start_ns=last_ns, is_taken=is_taken) as remotes:
            await check_same_network(storage.database, remotes.mirror)
            hub = Hub(max_joining_bytes=config.gateway.max_pending_bytes)
            announcer = Announcer(storage, hub)
            out = outbound(storage, remotes, reject=announcer.reject)
            mirrors, keys = remotes.mirror.mirrors, config.mirror
            check = CrossCheck(remotes.mirror, share=keys.cross_check, max_unchecked=keys.max_unchecked)
            room, relay = await _relay(storage, remotes, hub, book=out.bookkeeper.book, sample=check.sample)
            waits = Waits(out.submitter.waits, remotes.ledger.node_failures)
            desk = Desk(storage, announcer, wake=out.submitter.hurry, revisit=room.revisit, waits=waits)
            wake, readiness = out.submitter.wake, Readiness(storage.database, mirrors, remotes.ledger.node_failures)
            parts = Parts(Pages(WEB, page_data), desk, readiness=readiness.look, keys=KeyDesk(storage, out, wake=wake))
            parts = replace(
                parts,
                console=Console(storage, mirrors, waits),
                proofs=Proofs(storage, remotes.mirror),
                granting=Granting(storage, wake=wake),
            )
            gateway, api, tls = await _doors(storage, Backend(storage, out, hub), hub, parts)
            await gateway.start(unit.sockets.get("gateway"))
            await api.start(unit.sockets.get("http"))
            gateway.allow(api.origins)
            patience_s = STUCK_S + keys.backoff_max_s
            watch = Watch(readiness.look, mirrors, lambda: gateway.connections, patience_s=patience_s)
            loops: dict[str, Loop] = {
                "systemd": partial(unit.run, watch.status),
                "database": storage.database.run,
                "submitter": out.submitter.run,
                "pool": out.filling.run,
                "forgetting": partial(
                    forget_keys, storage.database, keep_h=config.http.idempotency_keep_h, now_ms=now_ms
                ),
                "pruning": partial(
                    prune,
                    storage.database,
                    keep_publications=config.relay.keep_user_publications,
                    keep_days=config.relay.keep_user_days,
                    now_ms=now_ms,
                ),
                "relay": relay,
                "rates": out.rates.run,
                "gateway": gateway.run,
                "http": api.run,
            }
            loops |= {f"{door} certificate": certificate.run for door, certificate in tls.items()}
            if len(mirrors) > 1:
                loops["mirrors"] = mirrors.run
                loops["cross-check"] = partial(check.run, interval_s=keys.check_interval_s)
            if remotes.streams.capacity:
                awake = hot_topics(storage, remotes.streams, room, hot=lambda: _hot(out.submitter, hub))
                loops["streams"] = awake.run
            async with supervised(loops):
                yield Bridge(
                    f"http{'s' if 'http' in tls else ''}://{config.http.host}:{api.port}",
                    f"ws{'s' if 'gateway' in tls else ''}://{config.gateway.host}:{gateway.port}{PATH}",
                )
                await api.stop()  # with it the gateway's clients leave, streams and sockets in one spread
                await out.submitter.drain()


async def _doors(
    storage: Storage, backend: Backend, hub: Hub, parts: Parts
) -> tuple[GatewayServer, ApiServer, Mapping[str, Certificate]]:
    """Both doors; `parts` is what is behind them beside the gateway's own."""
    config = storage.config
    history = ChannelHistory(storage)
    rooms = Rooms(
        hub,
        Presence(max_clients=config.gateway.presence_max_clients),
        history,
        authenticator(config, await kept_revocations(storage)),
        history.owner_of,
        now_ms,
        Clients(max_per_user=config.gateway.max_connections_per_user),
    )
    doors = gateway_settings(config)
    tls = _certificates(config)
    contexts = {door: certificate.context for door, certificate in tls.items()}
    gateway = GatewayServer(doors, rooms, ssl=contexts.get("gateway"))
    parts = replace(parts, realtime=(rooms, doors.session_limits()), streams=(doors, rooms, gateway))
    return gateway, ApiServer(http_settings(config), backend, now_ms=now_ms, parts=parts, ssl=contexts.get("http")), tls


def _certificates(config: Config) -> dict[str, Certificate]:
    """Of the doors that do TLS themselves, by the name of their section. Raises ConfigInvalid."""
    return {
        door: Certificate(section.tls_certificate_file, section.tls_key_file, section=door)
        for door, section in (("http", config.http), ("gateway", config.gateway))
        if section.tls_certificate_file is not None and section.tls_key_file is not None
    }


def _hot(submitter: Submitter, hub: Hub) -> Hot:
    """Whoever waits for something to come out of the ledger."""
    watched = {name.removeprefix(CAMPAIGNS) for name in hub.channels if name.startswith(CAMPAIGNS)}
    return Hot(submitter.flying, watched)


async def _relay(
    storage: Storage, remotes: Remotes, hub: Hub, *, book: Book, sample: Callable[[Page], None]
) -> tuple[Inbound, Loop]:
    """The inbound corridor and its loop, from where the last run came to."""

    def publish(news: Sequence[News]) -> None:
        for item in news:
            hub.publish(item.channel, item.publication.data, offset=item.publication.offset)

    config = storage.config
    sweep = await _sweep(storage, remotes.mirror)
    room = inbound(storage, remotes.mirror, publish=publish, book=book, sample=sample)

    return room, partial(room.run, sweep, poll_interval_s=config.mirror.poll_interval_s)


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
