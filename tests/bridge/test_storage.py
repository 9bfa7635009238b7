"""A database opens for its own network, under its own master key, for one process that writes."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

from bridge.config_sections import DeclaredEvent, Events
from bridge.errors import ConfigInvalid, DatabaseHeld, SealBroken, Unavailable
from bridge.schema import daemons, leases
from bridge.storage import opened
from tests.bridge.old_database import old_database
from tests.integration.world import world


def files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("hcs-bridge.db*") if path.suffix != ".lock"]


async def test_one_process_writes_and_others_read_beside_it(tmp_path: Path) -> None:
    async with world(tmp_path) as made, opened(made.config, alone=True) as first:
        async with opened(made.config, alone=False) as second:
            sealed = first.at_rest.seal(b"kept", "row", 1)
            assert second.at_rest.open(sealed, "row", 1) == b"kept"
        with pytest.raises(DatabaseHeld, match="another process"):
            async with opened(made.config, alone=True):
                pass


async def test_one_that_another_process_has_locked_says_so_and_what_to_do(tmp_path: Path) -> None:
    async with world(tmp_path, database__busy_timeout_s=0.1) as made:
        with closing(sqlite3.connect(tmp_path / "hcs-bridge.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(Unavailable, match="database is locked") as refused:
                async with opened(made.config, alone=True):
                    pass
        assert "another process writes to it" in refused.value.hint
        async with opened(made.config, alone=True):
            pass


async def test_nobody_else_on_the_machine_reads_the_file(tmp_path: Path) -> None:
    async with world(tmp_path) as made, opened(made.config, alone=True):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files(tmp_path)}
    assert modes == {"hcs-bridge.db": 0o600, "hcs-bridge.db-wal": 0o600, "hcs-bridge.db-shm": 0o600}


async def test_another_signing_key_is_refused_before_it_signs_anything(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with opened(made.config, alone=True):
            pass
        before = (tmp_path / "signing.key").read_text()
        (tmp_path / "signing.key").write_text("77" * 32)
        with pytest.raises(DatabaseHeld, match=r"keys\.signing_key_file holds") as refused:
            async with opened(made.config, alone=True):
                pass
        assert "put that key back" in refused.value.hint
        assert "77" * 32 not in str(refused.value)
        (tmp_path / "signing.key").write_text(before)
        async with opened(made.config, alone=True):
            pass


@pytest.mark.parametrize("spoilt", ["no database at all " * 500, "SQLite format 3\0" + "x" * 9000])
async def test_a_damaged_one_says_so_and_what_to_do(tmp_path: Path, spoilt: str) -> None:
    async with world(tmp_path) as made:
        (tmp_path / "hcs-bridge.db").write_text(spoilt)
        with pytest.raises(DatabaseHeld, match="damaged, or is none") as refused:
            async with opened(made.config, alone=True):
                pass
    assert "hcs-bridge restore" in refused.value.hint


async def test_another_master_key_opens_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with opened(made.config, alone=True):
            pass
        (tmp_path / "master.key").write_text("77" * 32)
        with pytest.raises(SealBroken, match="key") as refused:
            async with opened(made.config, alone=True):
                pass
        assert "master key" in refused.value.hint


async def test_the_database_of_another_network_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        async with opened(made.config, alone=True):
            pass
        network = made.config.network.model_copy(update={"name": "custom"})
        with pytest.raises(DatabaseHeld, match=r"'devnet'.*'custom'"):
            async with opened(made.config.model_copy(update={"network": network}), alone=True):
                pass


async def test_a_declared_event_that_is_built_in_is_a_mistake_in_the_configuration(tmp_path: Path) -> None:
    declared = DeclaredEvent(name="CAMPAIGN_CLOSED", type="CAMPAIGN", fields=("a",), to="campaign")
    async with world(tmp_path) as made:
        config = made.config.model_copy(update={"events": Events(declared=(declared,))})
        with pytest.raises(ConfigInvalid, match="CAMPAIGN_CLOSED"):
            async with opened(config, alone=True):
                pass


async def test_one_of_several_gives_back_what_it_had_though_others_renew_meanwhile(
    tmp_path: Path, postgres_url: str
) -> None:
    async with world(tmp_path, database__url=postgres_url) as made, opened(made.config, alone=False) as other:
        async with opened(made.config, alone=False, shared=True) as storage:
            with storage.database.engine.begin() as connection:
                storage.leases.take_all(connection)
            meanwhile = iter([update(leases).values(cursor_ns=1)])

            @event.listens_for(storage.database.engine, "before_cursor_execute")
            def _renew(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
                if statement.startswith("UPDATE leases"):
                    with other.database.engine.begin() as connection:
                        for each in meanwhile:
                            connection.execute(each)

        assert next(meanwhile, None) is None
        with other.database.engine.begin() as connection:
            assert set(connection.execute(select(leases.c.daemon)).scalars()) == {None}
            assert connection.execute(select(daemons)).all() == []


async def test_one_of_several_says_in_words_that_it_may_not_upgrade(tmp_path: Path, postgres_url: str) -> None:
    async with world(tmp_path, database__url=postgres_url, database__upgrade_at_start=False) as made:
        old_database(made.config)
        with pytest.raises(DatabaseHeld, match=r"database\.upgrade_at_start is off"):
            async with opened(made.config, alone=False, shared=True):
                pass
