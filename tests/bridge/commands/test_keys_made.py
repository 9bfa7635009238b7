"""Keys are made once, closed to others, never written over, and saved for the recovery key alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bridge.commands import keys_made
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.keys.load import load_keys
from bridge.keys.taking_over import kept, recovery_key
from bridge.storage import opened


def with_keys(config: Config, **files: Path | None) -> Config:
    return config.model_copy(update={"keys": config.keys.model_copy(update=files)})


def test_init_makes_what_is_missing_and_never_writes_over(config: Config, tmp_path: Path) -> None:
    place = tmp_path / "new" / "folder"
    fresh = with_keys(config, master_key_file=place / "m", signing_key_file=place / "s")
    made = keys_made.init(fresh)
    assert made == [str(place / "m"), str(place / "s")]
    assert {stat.S_IMODE((place / name).stat().st_mode) for name in "ms"} == {0o600}
    first = load_keys(fresh.keys)
    with pytest.raises(CommandFailed, match="are there already") as refused:
        keys_made.init(fresh)
    assert refused.value.code == 2
    (place / "s").unlink()
    assert keys_made.init(fresh) == [str(place / "s")]
    assert load_keys(fresh.keys).master == first.master
    assert first.master.hex() not in keys_made.init_text(made)


def test_the_recovery_pair_is_made_once_and_its_private_half_kept_nowhere(config: Config, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nowhere"):
        keys_made.recovery_init(config)
    fresh = with_keys(config, recovery_public_key_file=tmp_path / "recovery.pub")
    private, note = keys_made.recovery_init(fresh)
    assert private not in note
    assert all(private not in path.read_text() for path in tmp_path.iterdir() if path.is_file())
    (tmp_path / "private").write_text(private)
    (tmp_path / "private").chmod(0o600)
    pair = recovery_key(tmp_path / "private", key="--recovery-key")
    recovery = load_keys(fresh.keys).recovery
    assert recovery is not None
    assert pair.public_key().public_bytes_raw() == recovery.public_bytes_raw()
    with pytest.raises(CommandFailed, match="is there already"):
        keys_made.recovery_init(fresh)


async def test_users_keys_are_saved_and_put_back(config: Config, tmp_path: Path) -> None:
    file, private = tmp_path / "users.keys", tmp_path / "private"
    with pytest.raises(CommandFailed, match="no recovery key to save them for"):
        await keys_made.backup(config, file)
    fresh = with_keys(config, recovery_public_key_file=tmp_path / "recovery.pub")
    private.write_text(keys_made.recovery_init(fresh)[0])
    private.chmod(0o600)
    async with opened(fresh, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            storage.ring.ensure(connection, "user:7", now_ms=1)
            before = kept(connection, "user:7")
    assert await keys_made.backup(fresh, file) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(CommandFailed, match="can't be written: File exists"):
        await keys_made.backup(fresh, file)
    async with opened(fresh, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM epochs WHERE owner = 'user:7'")
    assert await keys_made.restore(fresh, file, private) == 1
    async with opened(fresh, alone=True) as storage:
        after = await storage.database.read(lambda c: kept(c, "user:7"))
    assert [each.kid for each in after] == [each.kid for each in before]
    for wrong, said in ((tmp_path / "absent", "can't be read"), (private, "this is no key backup")):
        with pytest.raises(CommandFailed, match=said):
            await keys_made.restore(fresh, wrong, private)
