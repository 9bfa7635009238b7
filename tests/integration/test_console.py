"""The console in a real browser: what every view shows, by keyboard and on a phone, and what it never does."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from bridge import config_sections as sections
from bridge import migrations
from bridge.database import Database
from bridge.schema import costs, positions, topics
from tests.bridge.gateway.wire_client import WireClient
from tests.integration.listeners import JS
from tests.integration.test_outbox import QUICK, becomes
from tests.integration.test_page import browser
from tests.integration.world import World, world

DEADLINE_S = 90
PAGE = 50
DAYS = [f"2026-11-{day:02}" for day in range(8, 20)]


@dataclass
class Staged:
    """A daemon with something of everything, and what the browser is to find."""

    made: World
    reading_key: str
    parked: str
    confirmed: list[str]


def before_the_daemon(made: World) -> None:
    """Old campaigns, more than a page of them, one of them halted; and what former days cost."""
    engine = Database(sections.Database(url=made.config.database.url)).engine
    migrations.upgrade(engine)
    old: list[dict[str, Any]] = [
        {"ref": f"old-{n:03}", "topic_id": f"0.0.{n}", "state": "closed", "registered_ms": 1}
        for n in range(1, PAGE + 10)
    ]
    read = {"sequence": 9, "consensus_ns": 1, "running_hash": bytes(48), "opened_sequence": 9, "producer_sequence": 3}
    halted = {"topic_id": "0.0.7", "skipped": 0, "halted": "running hash mismatch at message 10"} | read
    spent: list[dict[str, Any]] = [
        {"scope": "day", "name": day, "tinybar": n * 7 % 11 * 10**7, "tinycents": n * 7 % 11 * 12 * 10**7,
         "reserved_tinybar": 0, "transactions": n * 40, "events": n * 7 % 11 * 90}
        for n, day in enumerate(DAYS, 3)
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(topics), old)
        connection.execute(insert(positions).values(halted))
        connection.execute(insert(costs), spent)
    engine.dispose()


@asynccontextmanager
async def staged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Staged]:
    reading_key = secrets.token_hex(32)
    (folder / "reading.key").write_text(f"{reading_key}\n")
    (folder / "reading.key").chmod(0o600)
    keys = [
        {"name": "operator", "key_file": str(folder / "api.key"), "budget_hbar": 2.0},
        {"name": "onlooker", "key_file": str(folder / "reading.key"), "scopes": ["console:read"]},
    ]
    async with world(folder, http__api_keys=keys, budgets__day_hbar=1.0, **QUICK) as made:
        before_the_daemon(made)
        await made.start()
        confirmed = [await event(made, "spring-2026", "open"), await event(made, "summer-2026", "x" * 1500)]
        await made.post("/v1/send", {"to": "user:77", "event": "BALANCE_UPDATE", "campaignId": "spring-2026",
                                     "payload": {"balanceType": "HBAR", "newBalance": "5"}})  # fmt: skip
        for event_id in confirmed:
            await becomes(made, f"/v1/events/{event_id}", "confirmed")
        monkeypatch.setattr("topics.devnet.consensus_service.MAX_MESSAGE_BYTES", 600)  # the network takes less
        parked = await event(made, "spring-2026", "y" * 700)
        await becomes(made, f"/v1/events/{parked}", "parked")
        monkeypatch.undo()
        async with WireClient(made.gateway) as client:
            await client.ask(connect={"token": made.token("private-77", campaigns=["spring-2026"])})
            await client.ask(subscribe={"channel": "campaign:spring-2026"})
            yield Staged(made, reading_key, parked, confirmed)
        assert await made.stop() == 0


async def event(made: World, campaign: str, message: str) -> str:
    status, answer = await made.post(
        "/v1/events", {"event": "CAMPAIGN_CLOSED", "campaignId": campaign, "payload": {"message": message}}
    )
    assert status == 202, answer
    return str(answer["ids"][0])


@pytest.mark.long
async def test_the_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await look(tmp_path, monkeypatch, everything=False)


@pytest.mark.long
async def test_the_console_in_both_lights_on_both_screens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await look(tmp_path, monkeypatch, everything=True)


async def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, everything: bool) -> None:
    """All the views; in two of the four combinations of light and screen, or in all."""
    async with staged(tmp_path, monkeypatch) as stage:
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        given: dict[str, Any] = {
            "all": everything,
            "url": stage.made.http,
            "key": (tmp_path / "api.key").read_text().splitlines()[1],
            "readingKey": stage.reading_key,
            "parked": stage.parked,
            "confirmed": stage.confirmed[0],
            "pictures": str(pictures),
            "browser": browser(),
        }
        node = await asyncio.create_subprocess_exec(
            "node", JS / "console.mjs", env=os.environ | {"GIVEN": json.dumps(given)},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            out, err = await asyncio.wait_for(node.communicate(), DEADLINE_S)
        finally:
            if node.returncode is None:
                node.kill()
        assert node.returncode == 0, err.decode()
        seen = json.loads(out)
        assert seen["complaints"] == []
        assert seen["outside"] == []
        assert seen["unreached"] == []
        assert seen["barriers"] == []
        assert seen["overflowing"] == []
        assert len(list(pictures.glob("*.png"))) == len(seen["pictures"]) > 0
        assert (await stage.made.get(f"/v1/events/{stage.parked}"))[1]["status"] == "confirmed"
        for secret in (given["key"], stage.reading_key, "private-77"):
            assert secret not in "".join(seen["urls"])
            assert secret not in stage.made.log
