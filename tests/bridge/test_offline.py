"""The command line makes and shows topics, and reads channels, without a daemon."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bridge import offline
from bridge.errors import CampaignRefused, DatabaseHeld
from bridge.publish.pool import Pool
from bridge.remotes import operator_key
from bridge.rooms import topic_terms
from bridge.schema import pool
from bridge.storage import opened
from bridge.supervise import supervised
from tests.integration.world import world
from topics.devnet.settings import DevnetSettings
from topics.values import NANOS


async def test_a_topic_is_made_once(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        first = await offline.create_topic(made.config, "1234", "77")
        again = await offline.create_topic(made.config, "1234", "77")
        assert first.status == "ready"
        assert first == again
        assert len(made.devnet.network.mirror.topics) == 1
        assert await offline.topics(made.config) == [first]
        assert await offline.topic(made.config, "1234") == first
        assert await offline.topic(made.config, "4321") is None


async def test_topics_made_ahead_are_listed_until_a_campaign_takes_one(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        assert await offline.pool(made.config) == []
        ours = Pool.of(topic_terms(made.config), operator_key(made.config.operator).public_bytes)
        row = {"number": 1, "payer": "0.0.2", "valid_start_ns": 1, "terms": ours.terms, "topic_id": "0.0.7"}
        async with opened(made.config, alone=True) as storage, supervised({"database": storage.database.run}):
            await storage.database.write(lambda c: c.execute(pool.insert().values(row)))
        code, out, err = await made.command("topic", "list", "--pool", "--json")
        assert (code, err) == (0, "")
        assert json.loads(out) == [{"number": 1, "topic_id": "0.0.7", "status": "ready"}]


async def test_another_owner_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        first = await offline.create_topic(made.config, "1234", "77")
        with pytest.raises(CampaignRefused, match="another owner"):
            await offline.create_topic(made.config, "1234", "78")
        assert await offline.topic(made.config, "1234") == first


async def test_beside_a_daemon_only_the_daemon_writes(tmp_path: Path) -> None:
    async with world(tmp_path) as made, opened(made.config, alone=True):
        with pytest.raises(DatabaseHeld):
            await offline.create_topic(made.config, "1234", "77")
        assert await offline.topics(made.config) == []


async def test_a_campaign_without_a_topic_cannot_be_read(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        with pytest.raises(CampaignRefused, match="campaign 1234 has no topic"):
            await anext(aiter(offline.tail(made.config, "campaign:1234")))


async def test_a_clock_that_is_ahead_is_corrected_by_what_the_nodes_say(tmp_path: Path) -> None:
    behind = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, clock=lambda: time.time_ns() - 30 * NANOS)
    async with world(tmp_path, behind) as made:
        assert (await offline.create_topic(made.config, "1234", "77")).status == "ready"
