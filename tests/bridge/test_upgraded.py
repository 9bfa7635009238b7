"""A database of the first version, full of data, comes to the newest schema: clients recover, the outbox goes on."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bridge import offline
from bridge.app import running
from bridge.doctor.findings import Status
from bridge.doctor.integrity import checked
from bridge.errors import DatabaseHeld
from bridge.publish.outbox import EntryState
from bridge.schema import metadata
from tests.bridge.lost_day import content, publish
from tests.bridge.old_database import made_old
from tests.bridge.test_neighbours import changed, heard, subscribed, two
from tests.bridge.test_restoring import QUICK, in_state, said, settled
from tests.integration.world import world
from tests.rooms import until
from tests.servers import PostgresServer, free_port
from topics.devnet.faults import Fault

OURS: dict[str, Any] = {key: value for key, value in QUICK.items() if not key.startswith("keys__")}


async def test_everything_goes_on(tmp_path: Path) -> None:
    async with world(tmp_path, **OURS) as made:
        async with running(made.config):
            for campaign in ("1", "2"):
                await publish(made, campaign, "before")
                await publish(made, campaign, "for one", to="user:77")
            await settled(made)
            made.devnet.faults.inject(Fault.BUSY)
            for number in range(3):
                await publish(made, "1", f"waits {number}")
            await until(lambda: in_state(made, EntryState.FLYING))
        made.devnet.faults.clear()
        before = await content(made)
        assert set(before) == {"campaign:1", "campaign:2", "user:77"}
        made_old(made.config)
        async with running(made.config):
            await settled(made)
            await publish(made, "2", "since")
            await settled(made)
        after = await content(made)
        assert after["campaign:2"][: len(before["campaign:2"])] == before["campaign:2"]
        spoken = await said(made)
        assert spoken["1"] == ["before", "for one", "waits 0", "waits 1", "waits 2"]
        assert spoken["2"] == ["before", "for one", "since"]
        findings = await checked(made.config, offline=False)
        assert {each.status for each in findings} == {Status.OK}, findings


async def test_a_start_that_may_not_upgrade_says_how(tmp_path: Path) -> None:
    async with world(tmp_path, database__upgrade_at_start=False) as made:
        await offline.topics(made.config)  # a new database is made all the same
        made_old(made.config)
        with pytest.raises(DatabaseHeld, match="wants") as caught:
            async with running(made.config):
                pass
        assert "hcs-bridge db upgrade" in caught.value.hint


async def test_daemons_go_on_while_a_newer_one_upgrades_beneath_them(
    tmp_path: Path, postgres: PostgresServer, postgres_url: str
) -> None:
    async with two(tmp_path, postgres_url) as both, AsyncExitStack() as stack:
        assert (await both.outer.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
        client = await stack.enter_async_context(subscribed(both.outer, "campaign:1"))
        ids = [await both.post(both.outer, number) for number in range(3)]
        assert await heard(client, ids, phase="confirmed") == ids

        place = {"database": postgres_url.rpartition("/")[2]}
        for name in metadata.tables:
            more = f"hcs_bridge_store.{name} ADD COLUMN more text NOT NULL DEFAULT ''"
            await asyncio.to_thread(postgres.command, f"ALTER TABLE {more}", **place)
        await asyncio.to_thread(
            postgres.command, "UPDATE hcs_bridge_store.alembic_version SET version_num = '9999'", **place
        )

        more_ids = [await both.post(each, number) for number, each in enumerate((both.outer, both.all_roles) * 2)]
        assert await heard(client, more_ids, phase="confirmed") == more_ids
        again = changed(both.outer.config, "daemon", number=2)
        for door in ("http", "gateway"):
            again = changed(again, door, port=free_port())
        with pytest.raises(DatabaseHeld, match=r"revision 9999 is not known"):
            async with running(again):
                pass
