"""The whole bridge with an application's database beside it: a plain INSERT comes out at the gateway."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from bridge.app import running
from bridge.config_sections import Ingest, PostgresSource
from tests.bridge.gateway.wire_client import WireClient
from tests.bridge.intake.application import Application
from tests.integration.world import world


async def test_a_row_comes_out_provisional_then_confirmed(tmp_path: Path, application: Application) -> None:
    source = PostgresSource(name="shop", url=application.url, poll_interval_s=0.1)
    async with world(tmp_path) as made:
        config = made.config.model_copy(update={"ingest": Ingest(postgres=(source,))})
        async with running(config), WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            assert (await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
            await client.ask(subscribe={"channel": "campaign:1"})
            [event_id] = await application.write("over")
            heard = [(await client.hear())["push"]["pub"]["data"]["meta"] for _ in range(2)]
            async with aiohttp.ClientSession() as session, session.get(f"{made.http}/readyz") as answer:
                assert (await answer.json())["intake"] == {"down": [], "of": 1}
    assert [meta["phase"] for meta in heard] == ["provisional", "confirmed"]
    assert {meta["id"] for meta in heard} == {str(event_id)}
