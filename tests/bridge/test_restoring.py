"""A backup is put back after the ledger went on: everything is there again, and nothing is sent twice."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import func, select

from bridge import offline
from bridge.app import running
from bridge.commands.backup import back_up
from bridge.commands.exits import CommandFailed
from bridge.commands.restoring import Request, restored
from bridge.errors import DatabaseHeld
from bridge.publish.outbox import EntryState
from bridge.rebuild import Tally
from bridge.schema import entries, pool
from bridge.storage import opened
from tests.bridge.lost_day import campaigns_of, content, on_ledger, place_of, publish, reading, status_is
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.opened_ledger import opened_topics
from tests.integration.world import World, world
from tests.rooms import until
from topics.devnet.faults import Fault

OLD = "old.db"
QUICK: dict[str, Any] = {
    "publish__linger_ms": 0,
    "publish__max_events_per_frame": 2,
    "publish__retry_initial_s": 0.05,
    "publish__retry_max_s": 0.1,
    "publish__drain_timeout_s": 0.1,
    "ledger__max_attempts": 1,
    "relay__batch_messages": 3,
    "topics__creations_per_s": 100,
}


@asynccontextmanager
async def bridged(folder: Path, **keys: Any) -> AsyncIterator[World]:
    """A world with a recovery pair, whose topics it reaches."""
    private = X25519PrivateKey.generate()
    (folder / "recovery.pub").write_text(private.public_key().public_bytes_raw().hex() + "\n")
    (folder / "recovery.key").write_text(private.private_bytes_raw().hex() + "\n")
    (folder / "recovery.key").chmod(0o600)
    keys |= {"keys__recovery_public_key_file": str(folder / "recovery.pub")}
    async with world(folder, **(QUICK | keys)) as made:
        yield made


def keep(made: World) -> None:
    """`hcs-bridge backup`, beside the running bridge."""
    back_up(made.config.database, made.folder / OLD, force=True)


def lose(made: World) -> Path:
    """The database is gone; its last state comes back, for comparison."""
    place = database_of(made)
    with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(made.folder / "last.db")) as target:
        source.backup(target)
    for path in place.parent.glob(f"{place.name}*"):
        path.unlink()
    return made.folder / "last.db"


async def restore(made: World, **request: Any) -> Tally:
    return await restored(made.config, Request(made.folder / OLD, **request))


async def in_state(made: World, *states: EntryState) -> int:
    async with reading(made) as storage:
        found = select(func.count()).where(entries.c.state.in_(states))
        return await storage.database.read(lambda c: int(c.execute(found).scalar_one()))


async def settled(made: World) -> None:
    """Wait until nothing is under way."""

    async def is_so() -> bool:
        return await in_state(made, EntryState.WAITING, EntryState.FLYING, EntryState.SUBMITTED) == 0

    await until(is_so)


async def said(made: World) -> dict[str, list[str]]:
    """What each campaign's topic says, in its order; nothing in it is for nobody."""
    found = await opened_topics(made)
    assert {ref: topic.last_skip for ref, topic in found.items() if topic.skipped} == {}
    return {ref: [message for _, _, message in topic.said] for ref, topic in found.items()}


async def test_what_was_sent_since_is_there_again_and_goes_on_once(tmp_path: Path) -> None:
    async with bridged(tmp_path) as made:
        async with running(made.config):
            for campaign in ("1", "2"):
                await publish(made, campaign, "before")
            await settled(made)
            made.devnet.faults.inject(Fault.BUSY)
            for number in range(3):
                await publish(made, "1", f"waits {number}")
            await publish(made, "1", "for one", to="user:77")
            await made.post("/v1/campaigns/2/rotate", {})
            await publish(made, "2", "behind a rotation")
            await until(lambda: in_state(made, EntryState.FLYING))
            keep(made)
            made.devnet.faults.clear()
            await settled(made)
            await publish(made, "1", "since")
            await publish(made, "2", "since")
            await settled(made)
        last, ledger = lose(made), on_ledger(made)
        tally = await restore(made)
        assert (len(tally.campaigns), tally.skipped, tally.lost) == (2, 0, {})
        assert campaigns_of(await content(made)) == campaigns_of(await content(made, last))
        assert (await place_of(made))["user:77"].epoch != (await place_of(made, last))["user:77"].epoch
        assert await in_state(made, EntryState.CONFIRMED) == 8
        async with running(made.config):
            await publish(made, "1", "again")
            await publish(made, "2", "again")
            await settled(made)
        waits = ["waits 0", "waits 1", "waits 2"]
        spoken = await said(made)
        assert spoken["1"] == ["before", *waits, "for one", "since", "again"]
        assert spoken["2"] == ["before", "behind a rotation", "since", "again"]
        assert sum(on_ledger(made).values()) == sum(ledger.values()) + 2


async def test_what_never_left_leaves_now(tmp_path: Path) -> None:
    async with bridged(tmp_path) as made:
        async with running(made.config):
            await publish(made, "1", "before")
            await settled(made)
            made.devnet.faults.inject(Fault.BUSY)
            await made.post("/v1/campaigns/1/rotate", {})
            for number in range(3):
                await publish(made, "1", f"waits {number}")
            await until(lambda: in_state(made, EntryState.FLYING))
            keep(made)
        made.devnet.faults.clear()
        lose(made)
        await restore(made)
        async with running(made.config):
            await settled(made)
        assert (await said(made))["1"] == ["before", "waits 0", "waits 1", "waits 2"]


async def test_campaigns_and_epochs_younger_than_the_backup_need_the_recovery_key(tmp_path: Path) -> None:
    async with bridged(tmp_path) as made:
        async with running(made.config):
            await publish(made, "1", "before")
            await publish(made, "2", "before")
            await settled(made)
            keep(made)
            await made.post("/v1/campaigns/1/rotate", {})
            for number in range(4):
                await publish(made, "1", f"under another epoch {number}")
            await publish(made, "3", "of a campaign made since")
            await settled(made)
        last = lose(made)
        with pytest.raises(CommandFailed) as refused:
            await restore(made)
        assert "topic 0.0." in str(refused.value)
        assert "was made since, and no key at hand opens it" in str(refused.value)
        assert "--recovery-key" in refused.value.hint
        assert not database_of(made).exists()
        tally = await restore(made, recovery_key=tmp_path / "recovery.key")
        assert (tally.lost, tally.locked) == ({}, set())
        assert campaigns_of(await content(made)) == campaigns_of(await content(made, last))
        lose(made)
        tally = await restore(made, without_lost=True)
        assert len(tally.lost) == len(tally.locked) == 1
        assert await status_is(made, "1", "closed")
        async with running(made.config):
            await publish(made, "2", "goes on")
            change = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": "late"}}
            assert (await made.post("/v1/events", change))[0] == 409
            await settled(made)


async def test_a_topic_of_the_pool_that_was_taken_since_is_nobody_elses(tmp_path: Path) -> None:
    async with bridged(tmp_path, topics__pool_size=2) as made:
        async with running(made.config):
            await until(lambda: ready(made, 2))
            keep(made)
            await publish(made, "1", "on a topic of the pool")
            await settled(made)
        lose(made)
        await restore(made, without_lost=True)
        assert await ready(made, 1)
        async with running(made.config):
            await publish(made, "9", "elsewhere")
            await publish(made, "8", "elsewhere")
            await settled(made)
        assert await said(made) == {"9": ["elsewhere"], "8": ["elsewhere"]}


async def test_a_topic_whose_manifest_went_out_since(tmp_path: Path) -> None:
    async with bridged(tmp_path, topics__pool_size=1) as made:
        async with running(made.config):
            await until(lambda: ready(made, 1))
            made.devnet.faults.inject(Fault.BUSY)
            await publish(made, "1", "first")
            assert await status_is(made, "1", "created")
            keep(made)
            made.devnet.faults.clear()
            await settled(made)
        lose(made)
        await restore(made)
        assert await status_is(made, "1", "ready")
        async with running(made.config):
            await publish(made, "1", "again")
            await settled(made)
        assert (await said(made))["1"] == ["first", "again"]


async def ready(made: World, wanted: int) -> bool:
    async with reading(made) as storage:
        found = select(func.count()).where(pool.c.topic_id.is_not(None))
        return await storage.database.read(lambda c: int(c.execute(found).scalar_one())) == wanted


async def test_a_backup_isnt_run_on(tmp_path: Path) -> None:
    async with bridged(tmp_path) as made:
        await offline.topics(made.config)
        keep(made)
        (made.folder / OLD).replace(database_of(made))
        with pytest.raises(DatabaseHeld, match="is a backup") as refused:
            async with opened(made.config, alone=True):
                pass
        assert "hcs-bridge restore" in refused.value.hint
