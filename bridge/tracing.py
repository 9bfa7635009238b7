"""One trace for each accepted event, from the request that brought it to the clients it was written to.

With `tracing.endpoint` set only; the libraries come with the extra `hcs-bridge[tracing]`. What an event says, whose it
is and its channel stay out of it. A `traceparent` (W3C Trace Context) is taken up; spans leave by OTLP over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, select

from bridge.config_sections import Tracing
from bridge.database import Database
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.relay.store import News
from bridge.schema import entries, flights

MS = 1_000_000
HEADER = "traceparent"


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that is under way: what its later spans hang on, and when it was on disk."""

    context: Any
    at_ns: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """A confirmed event on its way to the clients, between two times."""

    id: str
    accepted: Accepted
    began_ns: int
    ended_ns: int


class Tracer:
    """Holds which events are under way. `run` it beside the corridors; what a crash forgets has no later spans."""

    def __init__(self, settings: Tracing, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._sdk = _sdk(settings)
        self._open: OrderedDict[str, Accepted] = OrderedDict()
        self._relayed: deque[Relayed] = deque(maxlen=settings.max_open)
        self._wake = asyncio.Event()

    def accepted(self, ids: Sequence[str], traceparent: str | None, began_ns: int) -> None:
        """These events came with one request and are on disk now."""
        parent = self._sdk.read({} if traceparent is None else {HEADER: traceparent})
        accepted = Accepted(
            self._span("accept", parent, began_ns, at_ns := time.time_ns(), {"hcs_bridge.events": len(ids)}), at_ns
        )
        for event_id in ids:
            self._open[event_id] = accepted
        while len(self._open) > self._settings.max_open:
            self._open.popitem(last=False)

    def relayed(self, news: Sequence[News], began_ns: int) -> None:
        """These publications were written to their subscribers, beginning then."""
        ended_ns = time.time_ns()
        for item in news if self._open else ():
            event_id = event_of(item.publication.data)
            accepted = self._open.pop(event_id, None)
            if accepted is not None:
                self._relayed.append(Relayed(event_id, accepted, began_ns, ended_ns))
                self._wake.set()

    async def run(self) -> None:
        """Tell the collector what became of the events, until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                found = [self._relayed.popleft() for _ in range(len(self._relayed))]
                ways = await self._database.read(partial(_ways, [each.id for each in found]))
                for each in found:
                    self._tell(each, ways.get(each.id))
        finally:
            await asyncio.to_thread(self._sdk.provider.shutdown)

    def _tell(self, each: Relayed, way: tuple[int, int, str] | None) -> None:
        """Where its time went, stage by stage."""
        if way is None:
            return
        sealed_ns, consensus_ns, topic_id = way
        said = {"hcs_bridge.event_id": each.id, "hcs_bridge.topic_id": topic_id}
        times = (each.accepted.at_ns, sealed_ns, consensus_ns, each.began_ns, each.ended_ns)
        for name, began_ns, ended_ns in zip(("wait", "ledger", "mirror", "relay"), times[:-1], times[1:], strict=True):
            self._span(name, each.accepted.context, began_ns, ended_ns, said)

    def _span(self, name: str, parent: Any, began_ns: int, ended_ns: int, attributes: dict[str, Any]) -> Any:
        """A span that is over; the context of what hangs on it. Clocks differ: none ends before it began."""
        span = self._sdk.tracer.start_span(name, context=parent, start_time=began_ns, attributes=attributes)
        span.end(max(began_ns, ended_ns))
        return self._sdk.context(span)


@dataclass(frozen=True, slots=True)
class _Sdk:
    """What is used of OpenTelemetry: `read` takes headers and gives a context, `context` takes a span and does."""

    provider: Any
    tracer: Any
    read: Any
    context: Any


def _sdk(settings: Tracing) -> _Sdk:
    """Raises ConfigInvalid."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415
    except ImportError as error:
        rule = "needs OpenTelemetry: pip install 'hcs-bridge[tracing]'"
        raise ConfigInvalid([ConfigProblem("configuration", "tracing.endpoint", settings.endpoint, rule)]) from error
    provider = TracerProvider(
        resource=Resource.create({"service.name": settings.service}), sampler=ParentBasedTraceIdRatio(settings.share)
    )
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, timeout=settings.timeout_s)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=settings.max_spans))
    tracer = provider.get_tracer("hcs_bridge")
    return _Sdk(provider, tracer, TraceContextTextMapPropagator().extract, set_span_in_context)


def event_of(data: bytes) -> str:
    """The id of a publication's event; empty for a sealed frame, which is nobody's event here."""
    return str(json.loads(data).get("meta", {}).get("id", ""))


def _ways(ids: Sequence[str], connection: Connection) -> dict[str, tuple[int, int, str]]:
    """When each event was sealed and when it reached consensus (nanoseconds of the Unix epoch), and on which topic."""
    wanted = {uuid.UUID(event_id).bytes: event_id for event_id in ids}
    found = (
        select(entries.c.event_id, flights.c.opened_ms, entries.c.consensus_ns, entries.c.topic_id)
        .join(flights, flights.c.id == entries.c.flight_id)
        .where(entries.c.event_id.in_(wanted), entries.c.consensus_ns.is_not(None))
    )
    return {wanted[row[0]]: (row[1] * MS, row[2], row[3]) for row in connection.execute(found)}
