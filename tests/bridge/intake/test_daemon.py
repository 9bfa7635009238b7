"""The whole bridge beside an application's database and its Redis: what is written there comes out at the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from bridge.app import running
from bridge.config_sections import Ingest, PostgresSource, RedisSource
from bridge.intake.stream import event_id_of
from tests.bridge.gateway.wire_client import WireClient
from tests.bridge.intake.application import Application
from tests.integration.world import world


async def test_a_row_and_an_entry_come_out_provisional_then_confirmed(
    tmp_path: Path, application: Application, redis_url: str
) -> None:
    databases = (PostgresSource(name="shop", url=application.url, poll_interval_s=0.1),)
    (tmp_path / "redis.url").write_text(redis_url)
    (tmp_path / "redis.url").chmod(0o600)
    streams = (RedisSource(name="till", url=str(tmp_path / "redis.url"), stream="changes"),)
    async with world(tmp_path) as made:
        config = made.config.model_copy(update={"ingest": Ingest(postgres=databases, redis=streams)})
        async with running(config), WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("77")})
            assert (await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
            await client.ask(subscribe={"channel": "campaign:1"})
            [event_id] = await application.write("over")
            heard = [(await client.hear())["push"]["pub"]["data"]["meta"] for _ in range(2)]
            async with Redis.from_url(redis_url) as redis:
                entry: Any = await redis.xadd(
                    "changes", {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": "{}"}
                )
            heard += [(await client.hear())["push"]["pub"]["data"]["meta"] for _ in range(2)]
            async with aiohttp.ClientSession() as session, session.get(f"{made.http}/readyz") as answer:
                assert (await answer.json())["intake"] == {"down": [], "of": 2}
    assert [meta["phase"] for meta in heard] == ["provisional", "confirmed"] * 2
    assert [meta["id"] for meta in heard] == [str(event_id)] * 2 + [
        str(event_id_of("till/changes", entry.decode()))
    ] * 2
