"""Money, seen from outside: what the daemon has on its books is what has left the payer's account."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.world import World, world
from topics.fees import TINYBAR_PER_HBAR

DEADLINE_S = 60.0


def change(campaign: str, **payload: str) -> dict[str, Any]:
    return {"event": "CAMPAIGN_CLOSED", "campaignId": campaign, "payload": {"message": "over"} | payload}


async def eventually(made: World, path: str, field: str) -> Any:
    """The answer, once it has that field."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, answer = await made.get(path)
            if field in answer:
                return answer
            await asyncio.sleep(0.05)


async def test_the_books_are_the_account(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await made.start()
        _, first = await made.post("/v1/events", [change("1"), change("2")])
        shown = [await eventually(made, f"/v1/events/{id_}", "cost") for id_ in first["ids"]]
        assert [set(event["cost"]) for event in shown] == [{"tinybar", "usd", "usdPerHbar"}] * 2
        await made.kill()
        await made.start()  # what was swept before is swept again
        _, second = await made.post("/v1/events", change("1"))
        await eventually(made, f"/v1/events/{second['ids'][0]}", "cost")
        left = made.devnet.network.state.accounts[made.devnet.operator_id].balance
        paid = made.devnet.settings.operator_balance_tinybar - left
        for by in ("campaign", "day", "key"):
            code, out, _ = await made.command("costs", "--by", by, "--json")
            assert code == 0
            total = json.loads(out)["total"]
            assert round(float(total["hbar"]) * TINYBAR_PER_HBAR) == paid
            assert (total["events"], total["usd_per_hbar"]) == (3, "0.12")
        _, out, _ = await made.command("costs", "--csv")
        assert [row["campaign"] for row in csv.DictReader(io.StringIO(out))] == ["1", "2"]
        _, out, _ = await made.command("costs")
        assert "total" in out


@pytest.mark.parametrize("budget", ["campaign_hbar", "day_hbar"])
async def test_a_spent_budget_keeps_what_is_accepted_until_it_is_raised(tmp_path: Path, budget: str) -> None:
    overrides: dict[str, Any] = {f"budgets__{budget}": 0.0001}
    async with world(tmp_path, **overrides) as made:
        await made.start()
        status, taken = await made.post("/v1/events", change("1"))
        assert status == 202
        campaign = await eventually(made, "/v1/campaigns/1", "stopped")
        assert campaign["stopped"].startswith("budget of ")
        _, event = await made.get(f"/v1/events/{taken['ids'][0]}")
        assert event["status"] == "accepted"
        await made.stop()
        made.environ = {**made.environ, f"HCS_BRIDGE_BUDGETS__{budget.upper()}": "10"}
        await made.start()
        assert (await eventually(made, f"/v1/events/{taken['ids'][0]}", "cost"))["status"] == "confirmed"
        _, campaign = await made.get("/v1/campaigns/1")
        assert "stopped" not in campaign
