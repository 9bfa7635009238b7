"""A new master key is put in place once the database is under it, also if an earlier run was killed before it could."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bridge.commands import new_master
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.desk.keys import KeyDesk
from bridge.errors import ConfigInvalid
from bridge.storage import opened
from bridge.supervise import supervised
from tests.bridge.thief import key_in


async def change_to(config: Config, path: Path) -> None:
    """As the daemon does, and then nothing more."""
    async with opened(config, alone=True) as storage, supervised({"database": storage.database.run}):
        await KeyDesk(storage, None, wake=lambda _: None).rewrap(str(path), by="ops")  # type: ignore[arg-type] # no rooms needed


async def opens(config: Config) -> bytes:
    async with opened(config, alone=True) as storage:
        return storage.keys.master


async def test_one_is_made_and_takes_the_place_of_the_old_one_which_is_kept(config: Config) -> None:
    place = config.keys.master_key_file
    old, path = key_in(place), new_master.prepared(config, None, "rewrap")
    assert path.parent == place.absolute().parent
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    new = key_in(path)
    await change_to(config, path)
    done = new_master.put_in_place(config, path)
    assert (key_in(place), done["inPlace"]) == (new, True)
    assert key_in(Path(done["oldMasterKeyFile"])) == old
    with pytest.raises(CommandFailed, match="is, or was, in force here"):
        new_master.prepared(config, Path(done["oldMasterKeyFile"]), "shred")
    assert not path.exists()
    assert await opens(config) == new
    assert "kept in" in new_master.placed_text(done)


async def test_after_shredding_the_old_one_is_not_kept(config: Config) -> None:
    place = config.keys.master_key_file
    old, path = place.read_text(), new_master.prepared(config, None, "shred")
    await change_to(config, path)
    done = new_master.put_in_place(config, path)
    assert done["oldMasterKeyFile"] is None
    assert all(file.read_bytes() != old.encode() for file in place.parent.iterdir() if file.is_file())
    assert "kept" not in new_master.placed_text(done)


@pytest.mark.parametrize("act", ["rewrap", "shred"])
async def test_what_a_killed_run_left_is_put_in_place_first_or_thrown_away(config: Config, act: new_master.Act) -> None:
    left = new_master.prepared(config, None, act)
    unused = key_in(left)
    again = new_master.prepared(config, None, act)  # killed before the database was under it
    assert key_in(again) != unused
    await change_to(config, again)
    in_force = key_in(again)
    assert await opens(config) == in_force  # killed behind it: it starts
    new_master.prepared(config, None, "rewrap")
    assert key_in(config.keys.master_key_file) == in_force


async def test_one_can_be_given_and_a_bad_one_is_refused(config: Config, tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text(os.urandom(32).hex())
    given.chmod(0o600)
    assert key_in(new_master.prepared(config, given, "rewrap")) == key_in(given)
    given.chmod(0o644)
    with pytest.raises(ConfigInvalid, match="open to others"):
        new_master.prepared(config, given, "rewrap")
    with pytest.raises(CommandFailed, match="is, or was, in force here"):
        new_master.prepared(config, config.keys.master_key_file, "shred")


async def test_a_credential_cannot_be_replaced_from_here(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_master, "_is_ours", lambda _folder: False)
    with pytest.raises(CommandFailed, match="no new master key can be put beside"):
        new_master.prepared(config, None, "shred")
    given = tmp_path / "given"
    given.write_text(os.urandom(32).hex())
    given.chmod(0o600)
    path = new_master.prepared(config, given, "shred")
    assert path == given
    await change_to(config, path)
    done = new_master.put_in_place(config, path)
    assert done["inPlace"] is False
    assert str(given) in new_master.placed_text(done)
    assert await opens(config) == key_in(given)
