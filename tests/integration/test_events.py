"""A reader of server-sent events, over a daemon that dies."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.bridge.gateway.streams_fixture import event
from tests.integration.world import World, world

CHANNEL = "campaign:1"
DEADLINE_S = 60


async def publish(made: World, first: int, count: int) -> None:
    for number in range(first, first + count):
        change = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": str(number)}}
        assert (await made.post("/v1/events", change))[0] == 202


async def read(made: World, place: str, *, count: int) -> tuple[list[str], str]:
    """The next confirmed publications from behind `place`, and where the last one stands."""
    found: list[str] = []
    headers = {"Authorization": f"Bearer {made.token('77')}", "Last-Event-ID": place}
    url = f"{made.http}/v1/channels/{CHANNEL}/events"
    async with (
        asyncio.timeout(DEADLINE_S),
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers) as response,
    ):
        assert response.status == 200
        while len(found) < count:
            got = await event(response)
            assert got.get("event") != "gap"
            if "event" not in got and "id" in got:
                found.append(json.loads(got["data"])["data"]["payload"]["message"])
                place = got["id"]
    return found, place


@pytest.mark.long
async def test_a_reader_loses_and_repeats_nothing_over_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.start()
        assert (await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
        await publish(made, 0, 5)
        before, place = await read(made, "0", count=3)
        await made.kill()
        await made.start()
        await publish(made, 5, 3)
        after, _ = await read(made, place, count=5)
        assert before + after == [str(number) for number in range(8)]
        assert await made.stop() == 0
