"""A trace as a collector gets it: one for each event, from the request to the clients; and nothing of what it says."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bridge.app import running
from bridge.config_sections import Tracing
from bridge.errors import ConfigInvalid
from bridge.tracing import Tracer
from tests.footing import database_at
from tests.integration.world import World, until, world

SECRET = "a message that nobody else may read"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
STATUS = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234", "message": SECRET}}


class Collector:
    """Takes what is exported by OTLP over HTTP."""

    def __init__(self) -> None:
        self.url = ""
        self.service = ""
        self.spans: list[Span] = []
        self.raw = b""

    async def take(self, request: web.Request) -> web.Response:
        self.raw += (body := await request.read())
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            [self.service] = [a.value.string_value for a in resource.resource.attributes if a.key == "service.name"]
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(content_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    collector, application = Collector(), web.Application()
    application.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    collector.url = f"http://127.0.0.1:{port}/v1/traces"
    yield collector
    await runner.cleanup()


async def confirmed(made: World, event_id: str) -> None:
    """Wait until it is."""
    async with asyncio.timeout(30):
        while (await made.get(f"/v1/events/{event_id}"))[1]["status"] != "confirmed":  # noqa: ASYNC110 # another process's doing
            await asyncio.sleep(0.02)


async def test_an_event_from_the_request_to_the_clients(tmp_path: Path) -> None:
    async with world(tmp_path) as made, collecting() as collector:
        config = made.config.model_copy(update={"tracing": Tracing(endpoint=collector.url, service="ours")})
        async with running(config):
            await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"})
            answer = (await made.post("/v1/events", STATUS, traceparent=f"00-{TRACE}-{PARENT}-01"))[1]
            other = (await made.post("/v1/events", [STATUS, STATUS]))[1]
            unsampled = (await made.post("/v1/events", STATUS, traceparent=f"00-{TRACE}-{PARENT}-00"))[1]
            for event_id in (*answer["ids"], *other["ids"], *unsampled["ids"]):
                await confirmed(made, event_id)
        spans = collector.spans  # leaving sends what is left
    ours = [span for span in spans if span.trace_id.hex() == TRACE]
    assert [span.name for span in sorted(ours, key=lambda span: span.start_time_unix_nano)] == [
        "accept", "wait", "ledger", "mirror", "relay",
    ]  # fmt: skip
    first = next(span for span in ours if span.name == "accept")
    assert first.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for span in ours if span is not first} == {first.span_id}
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in ours)
    theirs = [span for span in spans if span.trace_id.hex() != TRACE]
    assert len({span.trace_id for span in theirs}) == 1, "the two came with one request"
    assert [span.name for span in theirs].count("ledger") == 2
    assert collector.service == "ours"
    assert SECRET.encode() not in collector.raw
    assert b"77" not in {a.value.string_value.encode() for span in spans for a in span.attributes}


async def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        tracing = Tracing(endpoint="http://127.0.0.1:9/v1/traces", timeout_s=0.2)
        async with running(made.config.model_copy(update={"tracing": tracing})):
            await made.post("/v1/campaigns", {"id": "1234", "ownerId": "77"})
            [event_id] = (await made.post("/v1/events", STATUS))[1]["ids"]
            await confirmed(made, event_id)


async def test_those_under_way_are_bounded(tmp_path: Path) -> None:
    async with collecting() as collector, database_at(tmp_path / "bridge.db") as database:
        tracer = Tracer(Tracing(endpoint=collector.url, max_open=3), database)
        for number in range(10):
            tracer.accepted([f"{number}-a", f"{number}-b"], None, 0)
        assert len(tracer._open) == 3
        loop = asyncio.create_task(tracer.run())
        await asyncio.sleep(0)
        loop.cancel()
        await until(lambda: len(collector.spans) == 10)


async def test_without_the_extra_it_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    async with database_at(tmp_path / "bridge.db") as database:
        with pytest.raises(ConfigInvalid, match=r"pip install 'hcs-bridge\[tracing\]'"):
            Tracer(Tracing(endpoint="http://127.0.0.1:4318/v1/traces"), database)
