"""The database as a place: writable, with room, of a schema and a network that fit, under our master key."""

from __future__ import annotations

import os
import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge import settings
from bridge.config import Config
from bridge.doctor.findings import Finding, Status
from bridge.doctor.storage import place, schema, storage
from bridge.storage import opened
from tests.bridge.doctor.ward import changed, ground_of, of
from tests.integration.world import World


async def look(config: Config) -> list[Finding]:
    async with ground_of(config) as ground:
        return list(await storage(ground))


async def test_before_the_first_start_nothing_is_made(made: World) -> None:
    found = await look(made.config)
    assert {each.status for each in found} == {Status.OK}
    assert "the first start makes it" in of(found, "database").found
    assert not (made.folder / "hcs-bridge.db").exists()


async def test_a_database_in_use(made: World) -> None:
    async with opened(made.config, alone=True):
        found = await look(made.config)
    assert [each.name for each in found] == ["database", "disk", "schema", "network", "master key", "signing key"]
    assert {each.status for each in found} == {Status.OK}


async def test_another_master_key_and_another_network(made: World) -> None:
    async with opened(made.config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            settings.keep(connection, settings.NETWORK, "testnet")
    (made.folder / "master.key").write_text(secrets.token_hex(32))
    found = await look(made.config)
    assert of(found, "network").status is Status.FAILED
    assert "belongs to testnet" in of(found, "network").found
    assert of(found, "master key").status is Status.FAILED
    assert "put back the master key" in of(found, "master key").hint


async def test_another_signing_key(made: World) -> None:
    async with opened(made.config, alone=True):
        pass
    assert of(await look(made.config), "signing key").status is Status.OK
    (made.folder / "signing.key").write_text(secrets.token_hex(32))
    found = of(await look(made.config), "signing key")
    assert found.status is Status.FAILED
    assert "put back the key" in found.hint
    (made.folder / "signing.key").write_text("no key")
    spoilt = await look(made.config)
    assert (of(spoilt, "signing key").status, of(spoilt, "schema").status) == (Status.FAILED, Status.OK)


async def test_a_file_that_is_no_database(made: World) -> None:
    (made.folder / "hcs-bridge.db").write_text("something else " * 100)
    found = await look(made.config)
    assert of(found, "database").status is Status.FAILED
    assert "not a database" in of(found, "database").found


async def test_a_folder_without_the_right_to_write_is_named_and_not_the_file(made: World) -> None:
    """SQLite says "unable to open database file" there, which sends an operator looking for another one."""
    (made.folder / "hcs-bridge.db").write_text("as good as unreadable " * 100)
    with files_of_at_most(1024):
        found = of(await look(made.config), "database")
    assert found.status is Status.FAILED
    assert f"{made.folder} can't be written" in found.found
    assert found.hint.startswith("let the user that runs the bridge write")


async def test_little_room_is_warned_of(made: World) -> None:
    found = of(await look(changed(made.config, "doctor", low_disk_bytes=2**62)), "disk")
    assert found.status is Status.WARNING
    assert "make room" in found.hint


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails(tmp_path: Path) -> None:
    with files_of_at_most(1024):
        [found] = place(tmp_path / "new" / "b.db", low_bytes=1)
    assert found.status is Status.FAILED
    assert f"{tmp_path} can't be written" in found.found
    assert "database.url" in found.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_database_of_another_user_fails(tmp_path: Path) -> None:
    (tmp_path / "b.db").touch(mode=0o400)
    assert "no right to write" in of(place(tmp_path / "b.db", low_bytes=1), "database").found


def test_a_folder_that_is_none_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    [found] = place(tmp_path / "file" / "b.db", low_bytes=1)
    assert found.status is Status.FAILED


@pytest.mark.parametrize(("revision", "status"), [("3", Status.OK), ("2", Status.WARNING), ("4", Status.FAILED)])
def test_the_schemas_revision(revision: str, status: Status) -> None:
    assert schema(revision, ["3", "2", "1"]).status is status
