"""Grants from the command line: the daemon keeps them where one answers, else this process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.app import running
from bridge.commands import granting
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.errors import CampaignRefused, KeysRefused
from bridge.keys.ring import campaign_owner
from bridge.schema import registry
from bridge.storage import opened
from bridge.supervise import supervised
from tests.bridge.commands.stand_ins import ScriptedDoor, listening
from tests.bridge.commands.test_topic import at
from tests.integration.world import World, world


async def registered(config: Config) -> None:
    async with opened(config, alone=True) as storage, supervised({"database": storage.database.run}):
        await storage.database.write(lambda c: registry.intend(c, "1", owner="77", now_ms=1))
        await storage.database.write(lambda c: storage.ring.ensure(c, campaign_owner("1"), now_ms=1))


async def test_the_daemon_is_asked(config: Config) -> None:
    door = ScriptedDoor(lambda _: (200, {"revoked": True, "fromEpoch": 2}, {}))
    async with listening(door) as url:
        here = at(config, url)
        assert (await granting.give(here, "1", "88", from_start=True))["fromEpoch"] == 2
        assert await granting.take_away(here, "1", "88")
    assert [json.loads(body) for _, body in door.requests] == [{"user": "88", "fromStart": True}, {"user": "88"}]


async def test_what_the_daemon_refuses_is_refused(config: Config) -> None:
    door = ScriptedDoor(lambda _: (409, {"error": {"message": "campaign 1 can't be kept from its owner"}}, {}))
    async with listening(door) as url:
        with pytest.raises(CommandFailed, match=r"refuses \(409: campaign 1 can't be kept from its owner"):
            await granting.take_away(at(config, url), "1", "77")


async def test_without_a_daemon_the_database_is_enough(config: Config) -> None:
    await registered(config)
    assert (await granting.give(config, "1", "88", from_start=False))["fromEpoch"] == 1
    assert [await granting.take_away(config, "1", "88") for _ in range(2)] == [True, False]
    [row] = await granting.listed(config, "1")
    assert (row["user"], row["givenBy"], row["revokedBy"]) == ("88", "command line", "command line")
    with pytest.raises(KeysRefused, match="a user's id must be 1 to 64 of"):
        await granting.give(config, "1", "a b", from_start=False)
    for refused in (
        granting.give(config, "2", "88", from_start=False),
        granting.take_away(config, "2", "88"),
        granting.take_away(config, "1", "77"),
    ):
        with pytest.raises(CampaignRefused):
            await refused


@asynccontextmanager
async def with_campaign(folder: Path) -> AsyncIterator[World]:
    async with world(folder) as made, running(made.config):
        assert (await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
        yield made


async def test_the_verbs(tmp_path: Path) -> None:
    async with with_campaign(tmp_path) as made:
        code, out, err = await made.command("keys", "grant", "1", "88")
        assert (code, out, err) == (0, "user 88 may have campaign 1's keys from epoch 1 on\n", "")
        code, _, err = await made.command("keys", "revoke", "1", "88")
        assert code == 2
        assert "--yes" in err
        code, out, _ = await made.command("keys", "revoke", "1", "88", "--yes", "--json")
        assert (code, json.loads(out)) == (0, {"revoked": True})
        code, out, _ = await made.command("keys", "grants", "1", "--json")
        assert (code, [each["user"] for each in json.loads(out)]) == (0, ["88"])
        code, out, _ = await made.command("keys", "grants", "1")
        assert (code, "88" in out) == (0, True)
        code, _, err = await made.command("keys", "revoke", "1", "77", "--yes")
        assert code == 1
        assert "can't be kept from its owner" in err
