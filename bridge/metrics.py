"""What `GET /metrics` says, in Prometheus' text format: read from the running rooms and the database when it is asked.

Labels come from small fixed sets. No campaign, user, topic, channel or key is named here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Connection, func, select

from bridge.console.campaigns import totals
from bridge.counts import BOUNDS_S, happened, observe, took
from bridge.errors import Unavailable
from bridge.gateway.server import GatewayServer
from bridge.publish import costs, survey
from bridge.publish.budgets import Bill, Scope, day_of
from bridge.remotes import Remotes
from bridge.rooms import Outbound
from bridge.schema import positions
from bridge.shards import SHARDS
from bridge.storage import Storage
from topics.fees import TINYBAR_PER_HBAR, TINYCENTS_PER_USD

LAG_EVERY_S = 1.0
LOOK_S = 5.0
"""For the database to answer. Prometheus itself waits 10 s, and wants the rest most when the database doesn't."""
COUNTED = {
    "accepted": ("hcs_bridge_events_accepted", "Changes that were accepted and are on disk.", ""),
    "intake taken": (
        "hcs_bridge_intake_taken",
        "Rows, and entries of streams, of applications that are in the outbox now.",
        "source",
    ),
    "intake seen": ("hcs_bridge_intake_seen", "Those that came again, and were in it already.", "source"),
    "intake refused": ("hcs_bridge_intake_refused", "Those that may not pass; each has why beside it.", "source"),
    "parked": ("hcs_bridge_events_parked", "Events that the network refused for what they say.", ""),
    "database refusals": (
        "hcs_bridge_database_refusals",
        "Groups of writes that the disk, or the server, refused.",
        "",
    ),
    "flights": ("hcs_bridge_flights", "Frames and manifests that reached consensus.", ""),
    "renewed": (
        "hcs_bridge_transactions_renewed",
        "Transactions given another id, by why the last is spent.",
        "status",
    ),
    "relayed": ("hcs_bridge_relayed", "What was verified, stored and handed to subscribers.", "kind"),
    "halted": ("hcs_bridge_topic_halts", "Times that a topic failed its checks and was halted.", ""),
    "disconnects": (
        "hcs_bridge_disconnects",
        "Clients that were sent away, by the protocol's code; 3008: slow.",
        "code",
    ),
    "tokens refused": ("hcs_bridge_tokens_refused", "Tokens that opened nothing.", "reason"),
    "http refusals": ("hcs_bridge_http_refusals", "Requests refused at the HTTP door.", "status"),
}
FROM_ZERO = {
    "relayed": ("event", "sealed frame"),
    "disconnects": ("3008",),
    "tokens refused": ("expired", "refused"),
    "http refusals": ("401", "403", "429"),
}
"""Kinds that are there before their first time, so that a rate has something to begin at."""
TIMED = {
    "commit": ("hcs_bridge_commit_seconds", "A group of writes, from its turn to the disk.", ""),
    "read": ("hcs_bridge_read_seconds", "Reading the database, with the wait for one of its readers.", ""),
    "lag": (
        "hcs_bridge_lag_seconds",
        "outbox: accepted to sealed; ledger: accepted to consensus; mirror: consensus to handed on.",
        "stage",
    ),
    "loop": ("hcs_bridge_event_loop_lag_seconds", "How late the event loop came back to a timer.", ""),
}
STORED = {
    "skipped": "Foreign or unreadable messages in our topics.",
    "verified": "Messages read back and verified.",
}
"""Messages that the database counts, over every restart."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says. Money in tinybar and tinycents; times in milliseconds and nanoseconds of the epoch."""

    totals: dict[str, object]
    oldest_ms: int | None
    verified_ns: int | None
    spent: tuple[int, int]
    today: int
    bytes: int


class Metrics(Collector):
    """Over the bridge's rooms."""

    def __init__(self, storage: Storage, remotes: Remotes, out: Outbound, gateway: GatewayServer) -> None:
        self._gateway = gateway
        self._database = storage.database
        self._leases = storage.leases
        self._remotes = remotes
        self._out = out
        self._stored: Stored | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    async def text(self) -> bytes:
        """All of it; without what the database says where that doesn't answer in time."""
        self._stored = None
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(LOOK_S):
                self._stored = await self._database.read(self._look)
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Asked by the registry."""
        yield from _counted()
        yield _gauge(
            "database_answers", "Whether the database answered this time.", value=int(self._stored is not None)
        )
        if self._stored is not None:
            yield from self._of_database(self._stored)
        yield from self._of_network()
        yield from _of_clients(self._gateway)

    def _look(self, connection: Connection) -> Stored:
        today = Bill(Scope.DAY, day_of(time.time_ns()))
        days = costs.sums(connection, Scope.DAY)
        spent = sum(each.tinybar for each in days), sum(each.tinycents for each in days)
        committed = costs.committed(connection, [today]).get(today, 0)
        size = self._database.kind.size(connection)
        verified_ns = connection.execute(select(func.max(positions.c.consensus_ns))).scalar()
        return Stored(dict(totals(connection)), survey.oldest_ms(connection), verified_ns, spent, committed, size)

    def _of_database(self, stored: Stored) -> Iterator[Metric]:
        now_ns = time.time_ns()
        outbox = _gauge("outbox_entries", "Accepted events that aren't confirmed, by state.", "state")
        waiting = stored.totals["outbox"]
        for state, number in waiting.items() if isinstance(waiting, dict) else ():
            outbox.add_metric([state], number)
        yield outbox
        oldest = _age_s(now_ns, None if stored.oldest_ms is None else stored.oldest_ms * 1_000_000)
        yield _gauge("oldest_entry_age_seconds", "Age of the oldest event that isn't confirmed; 0: none.", value=oldest)
        age = _age_s(self._remotes.ids.network.now_ns(), stored.verified_ns)
        yield _gauge("last_verified_age_seconds", "Since the newest message that was verified, by its time.", value=age)
        yield _gauge("campaigns", "Campaigns that are registered.", value=stored.totals["campaigns"])
        halted = stored.totals["halted"]
        yield _gauge("topics_halted", "Topics that failed their checks and wait for an operator.", value=halted)
        for name, says in STORED.items():
            yield CounterMetricFamily(f"hcs_bridge_messages_{name}", says, value=float(str(stored.totals[name])))
        tinybar, tinycents = stored.spent
        yield _gauge("spent_hbar", "What the network charged, of what is on record.", value=tinybar / TINYBAR_PER_HBAR)
        yield _gauge("spent_usd", "The same by the rates of its time.", value=tinycents / TINYCENTS_PER_USD)
        limit, submitter = self._out.budgets.day, self._out.submitter
        if limit:
            left = max(0, limit - stored.today) / TINYBAR_PER_HBAR
            yield _gauge("day_budget_hbar", "Today's budget; absent without one.", value=limit / TINYBAR_PER_HBAR)
            yield _gauge("day_budget_left_hbar", "What today's budget leaves; absent without one.", value=left)
        yield _gauge("campaigns_stopped", "Campaigns of which nothing goes out just now.", value=len(submitter.waits))
        yield _gauge("shards", f"Of {SHARDS}, how many are this daemon's to publish.", value=len(self._leases.mine()))
        yield _gauge("flights_under_way", "Campaigns that write to the ledger now.", value=len(submitter.flying))
        yield _gauge("database_bytes", "Size of the database's files.", value=stored.bytes)

    def _of_network(self) -> Iterator[Metric]:
        mirrors, ledger = self._remotes.mirror.mirrors, self._remotes.ledger
        answers = Counter({"200": 0, "429": 0})
        for fetch in mirrors:
            answers.update(fetch.answers)
        yield _by("mirror_answers", "What mirrors answered, by HTTP status.", answers)
        states = [fetch.host.state.value for fetch in mirrors]
        state = _gauge("mirrors", "Mirrors, by how they were when asked last.", "state")
        for name in sorted(set(states)):
            state.add_metric([name], states.count(name))
        yield state
        failing = sum(number > 0 for number in ledger.node_failures().values())
        yield _gauge("nodes_failing", "Consensus nodes whose last call failed.", value=failing)
        streams = sum(self._remotes.streams.calls)
        yield _gauge("mirror_streams", "Subscriptions to topics that are open at mirrors.", value=streams)
        yield _by("node_answers", "What nodes answered, by precheck code.", ledger.answers)


async def time_the_loop() -> None:
    """Note how late it comes back to a timer, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + LAG_EVERY_S
        await asyncio.sleep(LAG_EVERY_S)
        observe("loop", loop.time() - due_s)


def _gauge(name: str, says: str, label: str = "", *, value: object = None) -> GaugeMetricFamily:
    found = GaugeMetricFamily(f"hcs_bridge_{name}", says, labels=[label] if label else None)
    if not label:
        found.add_metric([], float(str(value)))
    return found


def _of_clients(gateway: GatewayServer) -> Iterator[Metric]:
    subscriptions, waiting = gateway.held()
    yield _gauge("connections", "Clients that are connected.", value=gateway.connections)
    yield _gauge("subscriptions", "Their subscriptions.", value=subscriptions)
    yield _gauge("queued_bytes", "Bytes that wait for clients to take them.", value=waiting)


def _by(name: str, says: str, answers: Mapping[str, int]) -> CounterMetricFamily:
    found = CounterMetricFamily(f"hcs_bridge_{name}", says, labels=["status"])
    for status, number in answers.items():
        found.add_metric([status], number)
    return found


def _counted() -> Iterator[Metric]:
    for what, (name, says, label) in COUNTED.items():
        found = CounterMetricFamily(name, says, labels=[label] if label else [])
        kinds = dict.fromkeys([*FROM_ZERO.get(what, ()), *(kind for each, kind in happened if each == what)])
        for kind in kinds or ([] if label else [""]):
            found.add_metric([kind] if label else [], happened[what, kind])
        yield found
    for what, (name, says, label) in TIMED.items():
        timed = HistogramMetricFamily(name, says, labels=[label] if label else [])
        for kind, times in [(kind, times) for (each, kind), times in took.items() if each == what]:
            below = list(accumulate(times.by_bound))
            buckets = [(str(bound), number) for bound, number in zip((*BOUNDS_S, "+Inf"), below, strict=True)]
            timed.add_metric([kind] if label else [], buckets, sum_value=times.sum_s)
        yield timed


def _age_s(now_ns: int, then_ns: int | None) -> float:
    """Nothing, which a topic without a verified message has as 0, has an age of nought; so has what is to come."""
    return max(0, now_ns - then_ns) / 1e9 if then_ns else 0.0
