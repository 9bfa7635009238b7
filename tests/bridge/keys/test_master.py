"""Which master key a database is under, also between its change and the change of the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge.errors import SealBroken
from bridge.keys.master import change_master, master_in_force
from bridge.keys.ring import STORE, KeyRing, campaign_owner
from tests.bridge.keys.test_ring import MASTER, connection, ring

__all__ = ["connection"]


@pytest.fixture
def new(tmp_path: Path) -> tuple[Path, bytes]:
    path, key = tmp_path / "new.key", os.urandom(32)
    path.write_text(key.hex())
    path.chmod(0o600)
    return path, key


def test_a_database_that_was_never_rewrapped_takes_the_configured_one(connection: Connection) -> None:
    assert master_in_force(connection, MASTER) == MASTER


def test_all_keys_stand_under_the_new_one_with_the_same_transaction(
    connection: Connection, new: tuple[Path, bytes]
) -> None:
    keys, (path, master) = ring(), new
    owners = [STORE, campaign_owner("1"), campaign_owner("2")]
    before = [keys.ensure(connection, owner, now_ms=1) for owner in owners]
    keys.hold(master)
    change_master(connection, path, master)
    assert keys.rewrap(connection) == 3
    later = keys.ensure(connection, "user:7", now_ms=2)  # made behind it, by a ring that began with the old one
    fresh = KeyRing(master, max_cached=9)
    assert [fresh.current(connection, owner) for owner in [*owners, "user:7"]] == [*before, later]
    assert [keys.current(connection, owner) for owner in owners] == before
    with pytest.raises(SealBroken):
        ring().current(connection, STORE)


def test_until_the_file_is_replaced_the_new_one_serves_from_where_it_lies(
    connection: Connection, new: tuple[Path, bytes]
) -> None:
    path, master = new
    change_master(connection, path, master)
    assert master_in_force(connection, MASTER) == master
    path.write_text(os.urandom(32).hex())
    with pytest.raises(SealBroken, match=r"new\.key") as caught:
        master_in_force(connection, MASTER)
    assert master.hex() not in str(caught.value)
    path.unlink()
    assert master_in_force(connection, master) == master
    with pytest.raises(SealBroken):
        master_in_force(connection, os.urandom(32))
