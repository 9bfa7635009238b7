"""Three daemons share the campaigns, and what befalls them loses nothing, doubles nothing and mixes up nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.integration.nodes import FAKETIME
from tests.integration.several import Load, Several, several, survived
from tests.integration.world import until
from topics.fees import TINYBAR_PER_HBAR

SHARED = "campaigns are shared out anew"
pytestmark = pytest.mark.skipif(FAKETIME is None, reason="no wrong clocks: install Debian's package libfaketime")


def check(found: dict[str, Any]) -> None:
    assert (found["lost"], found["doubled"], found["out_of_order"], found["gaps_told"]) == (0, 0, 0, 0)
    assert found["held_twice"] == 0
    assert found["taken"] > 64  # more than at the start
    assert len(found["sent_by"]) >= 2


async def test_a_days_budget_is_of_all_of_them(tmp_path: Path) -> None:
    budget_hbar = 0.9
    async with several(tmp_path, Load(0, daemons=2), 1, budgets__day_hbar=budget_hbar) as made:
        for node in made.nodes:
            await node.start(ready=True)
        await until(lambda: all(SHARED in node.world.log for node in made.nodes))
        events: dict[str, str] = {}
        for number in range(16):
            change = {"event": "CAMPAIGN_CLOSED", "campaignId": str(number), "payload": {"message": "over"}}
            _, taken = await made.nodes[number % 2].world.post("/v1/events", change)
            events[str(number)] = taken["ids"][0]
        async with asyncio.timeout(60):
            for campaign, event_id in events.items():
                while not await is_sent_or_stopped(made, campaign, event_id):  # noqa: ASYNC110 # of another process
                    await asyncio.sleep(0.05)
        for node in made.nodes:
            await node.end()
        devnet = made.made.devnet
        left = devnet.network.state.accounts[devnet.operator_id].balance
    paid_hbar = (devnet.settings.operator_balance_tinybar - left) / TINYBAR_PER_HBAR
    assert budget_hbar / 2 < paid_hbar <= budget_hbar


async def is_sent_or_stopped(made: Several, campaign: str, event_id: str) -> bool:
    """Why a campaign waits is known to the daemon that carries it."""
    told = [(await node.world.get(f"/v1/campaigns/{campaign}"))[1] for node in made.nodes]
    _, event = await made.nodes[0].world.get(f"/v1/events/{event_id}")
    return event["status"] == "confirmed" or any("stopped" in each for each in told)


async def test_a_few_things_befall_them(tmp_path: Path) -> None:
    check(await survived(tmp_path, Load(5, clients=20), seed=4))


@pytest.mark.long
async def test_a_hundred_things_befall_them(tmp_path: Path) -> None:
    check(await survived(tmp_path, Load(100), seed=5))
