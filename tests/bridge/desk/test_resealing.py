"""After another store key nothing stays under the old one, also if the process was killed in between."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from bridge.keys.ring import STORE
from bridge.storage import opened
from tests.bridge.key_world import ALL, desk, made
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import everything_that_opens, key_in
from tests.integration.world import World

__all__ = ["made"]


async def test_killed_between_the_two_the_next_start_seals_the_rest_anew(made: World, tmp_path: Path) -> None:
    """Both store keys are there then; when it has opened, there is one, and everything opens."""
    async with desk(made) as (_, storage):

        def half(connection: Connection) -> None:
            storage.ring.renew(connection, STORE, now_ms=1)

        await storage.database.write(half)
    async with opened(made.config, alone=False) as storage:
        assert len(await storage.database.read(lambda c: storage.ring.all_of(c, STORE))) == 2
        kept = await storage.database.read(lambda c: storage.store.read(c, "user:7", since=0, limit=9))
        assert len(kept) == 2
    async with opened(made.config, alone=True) as storage:
        assert len(await storage.database.read(lambda c: storage.ring.all_of(c, STORE))) == 1
        kept = await storage.database.read(lambda c: storage.store.read(c, "user:7", since=0, limit=9))
        assert len(kept) == 2
    assert everything_that_opens(made, [key_in(made.folder / "master.key")], [database_of(made)]) == ALL
