"""What isn't a backup of ours, or has no room, is refused in words; nothing is put in place."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from bridge import offline
from bridge.commands.exits import CommandFailed
from bridge.commands.restoring import Request, restored
from bridge.config import Config
from bridge.engines import sqlite
from bridge.errors import BridgeError
from bridge.schema import registry
from bridge.storage import opened


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    path.write_bytes(content)


def of_another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9999'")
        connection.commit()


def of_another_network(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE settings SET value = 'elsewhere' WHERE name = 'network'")
        connection.commit()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "no such file"),
        (lambda path: path.write_text("Dear Sir,"), "no whole database of this program's"),
        (lambda path: path.write_bytes(b""), "no whole database of this program's"),
        (damage, "damaged|malformed"),
        (of_another_version, "v9999 is not known"),
        (of_another_network, "belongs to the network 'elsewhere'"),
    ],
)
async def test_what_is_no_backup(config: Config, tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    await offline.topics(config)
    place, backup = sqlite.file_of(config.database), tmp_path / "backup.db"
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    place.rename(backup)
    spoil(backup)
    with pytest.raises((CommandFailed, BridgeError), match=said):
        await restored(config, Request(backup))
    assert not place.exists()


async def test_a_database_that_is_there_stays(config: Config, tmp_path: Path) -> None:
    async with opened(config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            registry.intend(connection, "1", owner="77", now_ms=1)
    place = sqlite.file_of(config.database)
    with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(tmp_path / "backup.db")) as target:
        source.backup(target)
    before = place.read_bytes()
    with pytest.raises(CommandFailed, match="isn't empty"):
        await restored(config, Request(tmp_path / "backup.db"))
    assert place.read_bytes() == before
