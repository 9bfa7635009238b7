"""Operators' work without a daemon: it is on disk, it takes the database for itself, and a close can be taken up."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge import offline
from bridge.alone import close_topic, desk_alone
from bridge.errors import CampaignRefused, DatabaseHeld, EntryRefused
from bridge.storage import opened
from tests.integration.world import world
from topics.devnet.faults import Fault
from topics.errors import Unavailable

ID = "01a2050c-a2fc-739b-aef2-b415706bdd2f"


async def test_a_campaign_is_closed_once(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await offline.create_topic(made.config, "1234", "77")
        first = await close_topic(made.config, "1234")
        assert first.status == "closed"
        assert await close_topic(made.config, "1234") == first
        [topic] = made.devnet.network.mirror.topics.values()
        assert len(topic.messages) == 2  # the manifest and the end
        with pytest.raises(CampaignRefused, match="not registered"):
            await close_topic(made.config, "4321")


async def test_the_intent_stays_when_the_network_is_away(tmp_path: Path) -> None:
    async with world(tmp_path, ledger__max_attempts=1) as made:
        await offline.create_topic(made.config, "1234", "77")
        made.devnet.faults.inject(Fault.NODE_DOWN)
        with pytest.raises(Unavailable):
            await close_topic(made.config, "1234")
        made.devnet.faults.clear()
        found = await offline.topic(made.config, "1234")
        assert found is not None
        assert found.status == "closing"
        assert (await close_topic(made.config, "1234")).status == "closed"


async def test_the_desk_takes_the_database_for_itself(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with desk_alone(made.config) as desk:
            with pytest.raises(EntryRefused, match="is not known"):
                await desk.retry([ID], by="me")
            with pytest.raises(DatabaseHeld):
                await close_topic(made.config, "1234")
        async with opened(made.config, alone=True):
            with pytest.raises(DatabaseHeld):
                async with desk_alone(made.config):
                    pass
