"""A reader of the mirror with local keys gets what a client of the gateway gets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bridge import offline
from bridge.app import running
from tests.bridge.gateway.wire_client import confirmed
from tests.integration.world import World, world


def closed(campaign: str, message: str, to: str | None = None) -> dict[str, Any]:
    return {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": campaign, "message": message}, "to": to}


async def straight(made: World, channel: str, count: int) -> Sequence[dict[str, Any]]:
    found = []
    async for data in offline.tail(made.config, channel):
        found.append(data)
        if len(found) == count:
            break
    return found


async def test_a_campaign_and_a_user_read_the_same_both_ways(tmp_path: Path) -> None:
    async with world(tmp_path) as made, running(made.config):
        for number in range(3):
            changes = [
                closed("1", f"everyone {number}"),
                closed("1", f"one {number}", "user:77"),
                closed("2", f"one elsewhere {number}", "user:77"),
                closed("1", f"another {number}", "user:78"),
            ]
            assert (await made.post("/v1/events", changes))[0] == 202
        campaign = await confirmed(made.gateway, made.token("0", campaigns=["1"]), "campaign:1", 3)
        assert [data["data"]["payload"]["message"] for data in campaign] == [f"everyone {n}" for n in range(3)]
        assert await straight(made, "campaign:1", 3) == campaign
        user = await confirmed(made.gateway, made.token("77"), "user:77", 6)
        both_ways = sorted(await straight(made, "user:77", 6), key=lambda data: str(data["meta"]["id"]))
        assert both_ways == sorted(user, key=lambda data: str(data["meta"]["id"]))
