"""A daemon that has nothing to do says nothing: an idle day is less than a page."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from bridge.app import running
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.world import until, world

ROUNDS = 300
"""Of the relay, each of which asks the mirror; as many as an idle daemon has in two and a half minutes as shipped."""


async def test_hundreds_of_idle_rounds_are_not_a_line(tmp_path: Path) -> None:
    async with world(tmp_path, mirror__poll_interval_s=0.01) as made, running(made.config):
        await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"})
        rest = made.devnet.mirrors[0].rest
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            await until(lambda: rest.requests > 5)
            before = rest.requests
            with capture_logs() as logs:
                await until(lambda: rest.requests - before >= ROUNDS)
    assert [entry for entry in logs if entry["log_level"] != "debug"] == []
