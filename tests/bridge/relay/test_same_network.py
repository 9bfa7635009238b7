"""A database that was filled from another network than the mirror shows is refused, before anything is sent there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app import running
from bridge.errors import DatabaseHeld
from tests.bridge.gateway.wire_client import confirmed
from tests.integration.world import World, world

CLOSED = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1"}}


async def fill(made: World) -> None:
    async with running(made.config):
        assert (await made.post("/v1/events", CLOSED))[0] == 202
        await confirmed(made.gateway, made.token("0", campaigns=["1"]), "campaign:1", 1)


async def test_the_same_network_is_taken_again(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await fill(made)
        async with running(made.config):
            pass


@pytest.mark.parametrize("used_again", [False, True])
async def test_a_reset_network_is_refused_also_where_it_uses_the_topic_id_again(
    tmp_path: Path, used_again: bool
) -> None:
    async with world(tmp_path) as made:
        await fill(made)
    other = tmp_path / "other"
    other.mkdir()
    async with world(other) as reset:
        if used_again:
            await fill(reset)
        config = reset.config.model_copy(update={"database": made.config.database, "keys": made.config.keys})
        with pytest.raises(DatabaseHeld, match=r"topic 0\.0\.\d+ does not begin there as it did"):
            async with running(config):
                pass


async def test_a_mirror_that_is_away_stops_nobody(tmp_path: Path) -> None:
    async with world(tmp_path, mirror__max_attempts=1) as made:
        await fill(made)
        mirror = made.config.mirror.model_copy(update={"urls": ("http://127.0.0.1:1",)})
        async with running(made.config.model_copy(update={"mirror": mirror})):
            assert (await made.post("/v1/events", CLOSED))[0] == 202
