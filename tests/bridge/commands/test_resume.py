"""A halted topic goes on after an operator's word: in the running daemon at once, and without one at the next start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge import offline
from bridge.app import running
from bridge.commands.exits import CommandFailed
from bridge.commands.resume import let_go_on
from bridge.offline import TopicView
from tests.integration.world import World, world
from topics.devnet.faults import Fault, Field
from topics.values import TopicId

DEADLINE_S = 30.0


async def becomes(made: World, holds: Callable[[TopicView], bool]) -> TopicView:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            view = await offline.topic(made.config, "1")
            if view is not None and holds(view):
                return view
            await asyncio.sleep(0.02)


async def publish(made: World) -> None:
    await made.post("/v1/events", {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": {"message": "over"}})


@asynccontextmanager
async def halted(tmp_path: Path) -> AsyncIterator[World]:
    """Message 2 is shown altered, and the relay has halted before it; nobody runs."""
    async with world(tmp_path) as made:
        async with running(made.config):
            await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"})
            await becomes(made, lambda view: view.sequence == 1)
            made.devnet.faults.inject(Fault.MESSAGE_ALTERED, sequence=2, field=Field.MESSAGE)
            await publish(made)
            await becomes(made, lambda view: view.halted is not None)
        yield made


async def test_the_running_daemon_reads_on_without_a_restart(tmp_path: Path) -> None:
    async with halted(tmp_path) as made, running(made.config):
        made.devnet.faults.clear()
        await let_go_on(made.config, "1")
        view = await becomes(made, lambda view: view.sequence == 2)
        assert view.halted is None
        await publish(made)
        await becomes(made, lambda view: view.sequence == 3)
        assert await made.post("/v1/campaigns/1/resume", {}) == (200, {"resumed": False, "halted": None})
        status, _ = await made.post("/v1/campaigns/2/resume", {})
        assert status == 404


async def test_what_still_does_not_verify_halts_again(tmp_path: Path) -> None:
    async with halted(tmp_path) as made, running(made.config):
        status, answer = await made.post("/v1/campaigns/1/resume", {})
        assert (status, answer["resumed"]) == (200, True)
        assert "running hash of sequence number 2" in answer["halted"]
        view = await becomes(made, lambda view: view.halted is not None)
        assert view.sequence == 1


async def test_without_a_daemon_the_next_start_reads_on(tmp_path: Path) -> None:
    """What came since the halt lies before the sweep's cursor, and nothing new comes."""
    async with halted(tmp_path) as made:
        made.devnet.faults.clear()
        code, out, err = await made.command("topic", "resume", "1", "--yes")
        assert (code, err) == (0, "")
        assert "goes on behind sequence number 1" in out
        async with running(made.config):
            await becomes(made, lambda view: view.sequence == 2)


async def test_it_shows_why_and_asks(tmp_path: Path) -> None:
    async with halted(tmp_path) as made:
        [topic_id] = made.devnet.network.mirror.topics
        code, _, err = await made.command("topic", "resume", str(topic_id))
        assert code == 2
        assert "running hash of sequence number 2" in err
        assert "--yes" in err
        assert (await becomes(made, lambda _: True)).halted is not None
        for resumed in (True, False):
            code, out, _ = await made.command("topic", "resume", str(topic_id), "--yes", "--json")
            told: dict[str, Any] = json.loads(out)
            assert (code, told["resumed"]) == (0, resumed)
        with pytest.raises(CommandFailed, match="refuses"):
            async with running(made.config):
                await let_go_on(made.config, "2")
        assert await offline.topic_named(made.config, "0.0.9") is None
        assert TopicId.parse(told["topic_id"]) == topic_id
