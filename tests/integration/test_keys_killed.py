"""The daemon is killed while keys are rewrapped and shredded: it starts again, and what was shredded opens no more."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.bridge.key_world import count
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import SECRET, everything_that_opens, key_in
from tests.integration.world import World, until, world

KILLS = 5
USERS = [str(number) for number in range(10, 10 + KILLS)]


async def publish(made: World) -> None:
    for user in USERS:
        for number in range(20):
            said = {"campaignId": str(number % 3), "message": f"{SECRET}user:{user}"}
            change = {"event": "CAMPAIGN_CLOSED", "payload": said, "to": f"user:{user}"}
            assert (await made.post("/v1/events", change))[0] == 202
    await until(lambda: count(made, "publications") == 20 * len(USERS))


def copy(place: Path, to: Path) -> None:
    """As it stands, beside the daemon that writes there."""
    with closing(sqlite3.connect(place)) as living, closing(sqlite3.connect(to)) as dead:
        living.backup(dead)


@pytest.mark.long
async def test_killed_at_any_moment_one_master_key_opens_everything(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 # moments to kill at
    async with world(tmp_path, publish__linger_ms=0, topics__creations_per_s=100) as made:
        await made.start()
        await publish(made)
        before = tmp_path / "before.db"
        for user in USERS:
            copy(database_of(made), before)
            verb = ("rewrap",) if chance.random() < 0.3 else ("shred", "--user", user, "--yes", user)
            task = asyncio.create_task(made.command("keys", *verb))
            await asyncio.sleep(0.6 + chance.random() * 0.5)  # until it has asked, and while the daemon is at it
            await made.kill()
            await task
            await made.start()  # with whichever master key is in force
            if count(made, f"epochs WHERE owner = 'user:{user}'"):
                code, _, err = await made.command("keys", "shred", "--user", user, "--yes", user)
                assert code == 0, err
            code, _, err = await made.command("keys", "rewrap")  # puts in place what was left
            assert code == 0, err
            assert count(made, "epochs WHERE owner = 'store'") == 1
            left = {SECRET + f"user:{each}" for each in USERS[USERS.index(user) + 1 :]}
            master = key_in(tmp_path / "master.key")
            assert everything_that_opens(made, [master], [before, database_of(made)]) == left
        assert await made.stop() == 0
