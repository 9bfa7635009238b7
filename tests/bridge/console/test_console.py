"""The console's answers as the daemon gives them: the database's, with what only the running process knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from sqlalchemy import insert

from bridge.console.console import Console
from bridge.desk.outbox import Waits
from bridge.remotes import connected
from bridge.room_settings import budgets_of
from bridge.schema import costs, registry
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from tests.integration.world import world
from topics.values import AccountId

STOPPED = {"c1": "budget of campaign c1: 1 of 1 HBAR are spent"}
FAILURES = {AccountId(0, 0, 3): 0, AccountId(0, 0, 4): 2}


@pytest_asyncio.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    keys = [{"name": "operator", "key_file": str(tmp_path / "api.key"), "budget_hbar": 2.0}]
    async with (
        world(tmp_path, http__api_keys=keys, budgets__day_hbar=1.5) as made,
        opened(made.config, alone=True) as storage,
        supervised({"database": storage.database.run}),
    ):
        await storage.database.write(lambda c: registry.intend(c, "c1", owner="77", now_ms=1))
        yield storage


@pytest_asyncio.fixture
async def console(storage: Storage) -> AsyncIterator[Console]:
    async with connected(storage.config, last_valid_start_ns=0) as remotes:
        yield Console(storage, remotes.mirror.mirrors, Waits(STOPPED, lambda: FAILURES), budgets_of(storage.config))


async def test_the_status_names_mirrors_and_nodes(console: Console) -> None:
    found: Any = await console.status()
    [mirror] = found["mirrors"]
    assert (mirror["state"], mirror["asked"]) == ("up", True)
    assert mirror["name"].startswith("127.0.0.1:")  # an address, without what a URL may hold of keys
    assert found["nodes"] == [{"account": "0.0.3", "failures": 0}, {"account": "0.0.4", "failures": 2}]
    assert (found["network"], found["campaigns"], found["stopped"]) == ("devnet", 1, 1)


async def test_a_campaign_says_why_it_is_stopped(console: Console) -> None:
    found: Any = await console.campaigns(after="", search="", only_halted=False, limit=9)
    assert [row["stopped"] for row in found["campaigns"]] == [STOPPED["c1"]]
    timeline: Any = await console.timeline("c1", before=10**17, limit=9)
    assert (timeline["campaign"]["stopped"], timeline["events"], timeline["next"]) == (STOPPED["c1"], [], None)
    assert await console.timeline("c9", before=10**17, limit=9) is None
    assert await console.outbox("parked", campaign="", after=("", 0), limit=9) == {"entries": [], "next": None}


async def test_costs_stand_beside_their_budgets(console: Console, storage: Storage) -> None:
    amounts = {"tinycents": 1, "reserved_tinybar": 2, "transactions": 3, "events": 4}
    rows = [
        amounts | {"scope": scope, "name": name, "tinybar": tinybar}
        for scope, name, tinybar in (
            ("day", "2026-11-02", 5), ("day", "2026-11-01", 6), ("key", "operator", 7), ("key", "gone", 8),
        )
    ]  # fmt: skip
    await storage.database.write(lambda c: c.execute(insert(costs), rows))
    found: Any = await console.costs()
    assert [(day["name"], day["tinybar"]) for day in found["days"]] == [("2026-11-01", "6"), ("2026-11-02", "5")]
    assert [(key["name"], key["budgetTinybar"]) for key in found["keys"]] == [("gone", None), ("operator", "200000000")]
    assert found["budgets"] == {"dayTinybar": "150000000", "campaignTinybar": None}
