"""Which loops go on beside each other, by what this node does."""

from __future__ import annotations

from functools import partial
from math import inf

from bridge.house import House
from bridge.leases import Daemons, Sharing
from bridge.metrics import time_the_loop
from bridge.neighbours import is_alone
from bridge.publish import survey
from bridge.publish.forgetting import forget
from bridge.relay.hot import Hot
from bridge.relay.pruning import prune
from bridge.rooms import hot_topics
from bridge.storage import now_ms
from bridge.supervise import Loop
from bridge.systemd import Service
from bridge.watch import Watch

STUCK_S = 60.0
"""Without a request to any mirror, beyond the pause that they may want: the relay has stopped."""
CAMPAIGNS = "campaign:"  # how their channels' names begin


def loops_of(house: House, unit: Service) -> dict[str, Loop]:
    """What goes on beside each other until the bridge ends."""
    config, database, doors = house.storage.config, house.storage.database, house.front
    mirrors = house.remotes.mirror.mirrors
    patience_s = STUCK_S + config.mirror.backoff_max_s if "relay" in config.daemon.roles else inf
    watch = Watch(
        house.readiness.look, mirrors, lambda: doors.gateway.connections, partial(_lag_s, house), patience_s=patience_s
    )
    loops: dict[str, Loop] = {
        "systemd": partial(unit.run, watch.status),
        "database": database.run,
        "neighbours": house.neighbours.run,
        "event loop": time_the_loop,
        "http": doors.api.run,
    }
    loops |= {f"{door} certificate": certificate.run for door, certificate in doors.tls.items()}
    if house.tracer is not None:
        loops["tracing"] = house.tracer.run
    if not is_alone(config):
        loops["leases"] = _leases(house)
    of_role = {"ingest": _ingest, "publish": _publish, "relay": _relay, "gateway": _gateway}
    for role in config.daemon.roles:
        loops |= of_role[role](house)
    return loops


async def _lag_s(house: House) -> float:
    """The age of the oldest event that isn't confirmed; 0: there is none."""
    oldest_ms = await house.storage.database.read(survey.oldest_ms)
    return 0.0 if oldest_ms is None else max(0, now_ms() - oldest_ms) / 1000


def _ingest(house: House) -> dict[str, Loop]:
    return {f"intake {reader.name}": reader.run for reader in house.readiness.readers}


def _publish(house: House) -> dict[str, Loop]:
    config, database, out = house.storage.config, house.storage.database, house.out
    first = house.storage.leases.as_first
    settled = {"settled_days": config.publish.keep_settled_days, "settled_events": config.publish.keep_settled_events}
    keys_h = config.http.idempotency_keep_h
    loops: dict[str, Loop] = {
        "submitter": out.submitter.run,
        "pool": partial(first, out.filling.run),
        "forgetting": partial(first, partial(forget, database, keys_h=keys_h, **settled, now_ms=now_ms)),
        "rates": out.rates.run,
    }
    if config.topics.directory:
        loops["directory"] = partial(first, out.directory.run)
    return loops


def _relay(house: House) -> dict[str, Loop]:
    config, database = house.storage.config, house.storage.database
    mirrors, streams, relay = house.remotes.mirror.mirrors, house.remotes.streams, config.relay
    users = {"keep_publications": relay.keep_user_publications, "keep_days": relay.keep_user_days}
    campaigns = {"keep_publications": relay.keep_campaign_publications, "keep_days": relay.keep_campaign_days}
    first = house.storage.leases.as_first
    loops: dict[str, Loop] = {
        "relay": house.relay,
        "pruning": partial(first, partial(prune, database, kind="user", **users, now_ms=now_ms)),
    }
    if len(mirrors) > 1:
        loops["mirrors"] = mirrors.run
        loops["cross-check"] = partial(house.check.run, interval_s=config.mirror.check_interval_s)
    if any(campaigns.values()):
        of_campaigns = partial(prune, database, kind="campaign", **campaigns, now_ms=now_ms)
        loops["pruning of campaigns"] = partial(first, of_campaigns)
    if streams.capacity:
        hot = partial(_hot, house)
        loops["streams"] = hot_topics(house.storage, streams, house.room, hot=hot).run
    return loops


def _gateway(house: House) -> dict[str, Loop]:
    return {"gateway": house.front.gateway.run}


def _leases(house: House) -> Loop:
    """Whose the campaigns are, where several daemons share them."""
    submitter, turnstile, hosts = house.out.submitter, house.out.turnstile, house.remotes.hosts

    def shared_by(daemons: Daemons) -> None:
        turnstile.shared_by(max(1, daemons.carrying))
        hosts.shared_by(daemons.there)  # also those ask that only keep a door: for proofs

    sharing = Sharing(submitter.look, (submitter.left, house.room.left), shared_by)
    return partial(house.storage.leases.run, house.storage.database, sharing)


def _hot(house: House) -> Hot:
    """Whoever waits for something to come out of the ledger, as far as it is read here."""
    channels = [name.removeprefix(CAMPAIGNS) for name in house.hub.channels if name.startswith(CAMPAIGNS)]
    return Hot(house.out.submitter.flying, set(filter(house.storage.leases.is_mine, channels)))
