"""Every room of a bridge, built and joined: both corridors, the doors, and what stands between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bridge import settings, shards
from bridge.bus.catching_up import CatchingUp
from bridge.bus.clients import OthersClients
from bridge.bus.port import Bus, Revoked, Woken
from bridge.console.console import Console
from bridge.desk.granting import Granting
from bridge.desk.keys import KeyDesk
from bridge.desk.outbox import Desk, Waits
from bridge.desk.proofs import Proofs
from bridge.doors import Announcer, Backend, ChannelHistory
from bridge.fanout import Fanout
from bridge.front import Front, front, readers
from bridge.gateway.api import Parts
from bridge.gateway.elsewhere import NOWHERE
from bridge.gateway.hub import Hub
from bridge.gateway.pages import Pages
from bridge.gateway.presence import Presence
from bridge.gateway.shared import Rooms
from bridge.leases import Leases
from bridge.metrics import Metrics
from bridge.neighbours import Neighbours, bus_of, is_alone
from bridge.protocol.realtime.recovery import Publication
from bridge.protocol.values import JSON
from bridge.readiness import Readiness
from bridge.relay.handing import Book
from bridge.relay.inbound import Inbound
from bridge.relay.store import News, tops_of
from bridge.remotes import Remotes
from bridge.revoked import kept_revocations, revoked
from bridge.room_settings import authenticator
from bridge.rooms import Outbound, inbound, outbound
from bridge.schema import registry
from bridge.storage import Storage, now_ms, steady_ms
from bridge.supervise import Loop
from bridge.tracing import Tracer
from topics.mirror.answers import Page
from topics.mirror.cross_check import CrossCheck
from topics.mirror.foreign import ForeignRound, WideSweep
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.registry import TopicState
from topics.values import TopicId

WEB = Path(__file__).parent / "web"


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
    neighbours: Neighbours
    tracer: Tracer | None


async def built(storage: Storage, remotes: Remotes, page_data: Callable[[], JSON] | None) -> House:
    """What this node doesn't do is built, too, and left alone."""
    config, hub, bus = storage.config, Hub(), bus_of(storage.config)
    tracer = Tracer(config.tracing, storage.database) if config.tracing.endpoint else None
    following = None if is_alone(config) else _following(storage, hub, bus)
    fanout = Fanout(hub, bus, tracer, following)
    announcer = Announcer(storage, fanout)
    out = outbound(storage, remotes, reject=announcer.reject)
    publishes = "publish" in config.daemon.roles
    wake = partial(_woken, storage.leases, out.submitter.wake, bus)
    hurry = partial(_woken, storage.leases, out.submitter.hurry, bus)
    mirrors, node_failures = remotes.mirror.mirrors, remotes.ledger.node_failures
    check = CrossCheck(remotes.mirror, share=config.mirror.cross_check, max_unchecked=config.mirror.max_unchecked)
    room, relay = await _relay(storage, remotes, fanout.deliver, book=out.bookkeeper.book, sample=check.sample)
    backend, waits = Backend(storage, out, fanout, wake), Waits(out.submitter.waits, node_failures)
    intake, clock = readers(config, backend), remotes.ids.network.clock_ahead_s
    readiness = Readiness(
        storage.database, mirrors, node_failures, intake, clock,
        bus_works=lambda: bus.healthy or not config.bus.url,
        carried=lambda: storage.leases.daemons.carrying > 0,
        waits=out.submitter.waits,
    )  # fmt: skip
    parts = Parts(
        Pages(WEB, page_data),
        Desk(storage, announcer, wake=hurry, revisit=room.revisit, waits=waits),
        readiness=readiness.look,
        keys=KeyDesk(storage, out, wake=wake),
        console=Console(storage, mirrors, waits, out.budgets),
        proofs=Proofs(storage, remotes.mirror),
        granting=Granting(storage, wake=wake),
        traced=None if tracer is None else tracer.accepted,
        metrics=lambda gateway: Metrics(storage, remotes, out, gateway).text,
    )
    history = ChannelHistory(storage) if following is None else ChannelHistory(storage, following.start)
    revocations = await kept_revocations(storage, lambda row: bus.publish([Revoked(*row)]))
    others = None if is_alone(config) else _others(storage, bus)
    elsewhere, tokens = others or NOWHERE, authenticator(config, revocations)
    presence = Presence(elsewhere=elsewhere)
    rooms = Rooms(hub, presence, history, tokens, history.owner_of, now_ms, steady_ms, elsewhere=elsewhere)
    doors = front(storage, backend, rooms, parts)
    submitter = out.submitter if publishes else None
    neighbours = Neighbours(config.bus, bus, rooms, following, others, submitter, partial(revoked, storage))
    return House(storage, remotes, hub, out, room, relay, check, readiness, doors, neighbours, tracer)


def _woken(leases: Leases, ours: Callable[[Iterable[str]], None], bus: Bus, refs: Iterable[str]) -> None:
    """Whose the campaigns are is told, here or by the bus."""
    known = list(refs)
    ours(filter(leases.is_mine, known))
    if others := tuple(ref for ref in known if not leases.is_mine(ref)):
        bus.publish([Woken(others)])


def _following(storage: Storage, hub: Hub, bus: Bus) -> CatchingUp:
    """Publications come from the nodes that relay, by the bus or out of the database."""
    database, limit = storage.database, storage.config.gateway.recovery_max_publications

    async def tops(channels: Sequence[str]) -> Mapping[str, int]:
        return await database.read(lambda c: tops_of(c, channels))

    async def read(channel: str, since: int) -> Sequence[Publication]:
        return await database.read(lambda c: storage.store.read(c, channel, since=since, limit=limit))

    return CatchingUp(storage.config.bus, bus, hub.publish, hub.channels, tops=tops, read=read)


def _others(storage: Storage, bus: Bus) -> OthersClients:
    """Clients may be at other nodes, too."""

    async def there() -> Sequence[int]:
        return await storage.database.read(storage.leases.others)

    return OthersClients(storage.config.bus, bus, there, number=storage.config.daemon.number)


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
    cursor_ns = await storage.database.read(shards.cursor_ns)
    if not keys.foreign_interval_s:
        return Sweep(mirror, payer, cursor_ns=cursor_ns, slack_ns=settings.SLACK_NS)

    async def open_topics() -> list[TopicId]:
        found = await storage.database.read(lambda c: list(registry.all(c)))
        mine = [each for each in found if storage.leases.is_mine(each.ref)]
        return [each.topic_id for each in mine if each.topic_id is not None and each.state is not TopicState.CLOSED]

    foreign = ForeignRound(
        mirror, open_topics, interval_s=keys.foreign_interval_s, max_requests_per_s=keys.max_requests_per_s
    )
    return WideSweep(mirror, payer, foreign, cursor_ns=cursor_ns, slack_ns=settings.SLACK_NS)
