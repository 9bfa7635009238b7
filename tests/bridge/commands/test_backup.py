"""A backup is whole, of one moment, readable by its owner alone, and no daemon runs on it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import pytest

from bridge import offline
from bridge.commands.backup import back_up
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.engines import sqlite
from bridge.errors import DatabaseHeld
from bridge.migrations import revisions
from bridge.schema import registry
from bridge.storage import opened
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import world


async def test_as_typed_and_put_back(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await offline.topics(made.config)
        code, out, err = await made.command("backup", "copy.db", "--json")
        assert code == 0, err
        told = json.loads(out)
        assert (told["schema"], told["topics"], told["entries"]) == (revisions()[0], 0, 0)
        assert told["bytes"] == (tmp_path / "copy.db").stat().st_size
        assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
        database_of(made).unlink()
        code, out, err = await made.command("restore", "copy.db", "--settled", "--json")
        assert (code, json.loads(out)["lost"]) == (0, 0), err


@pytest.fixture
async def place(config: Config) -> Path:
    """Of a database with a topic."""
    async with opened(config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            registry.intend(connection, "1", owner="77", now_ms=1)
    return sqlite.file_of(config.database)


async def test_it_is_of_one_moment_while_others_write(place: Path, config: Config, tmp_path: Path) -> None:
    """Two rows are always written together: a copy that has one has the other."""
    stop = Event()

    def write() -> None:
        with closing(sqlite3.connect(place)) as connection:
            number = 0
            while not stop.is_set():
                number += 1
                for name in ("left", "right"):
                    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, str(number)))
                connection.commit()

    writer = Thread(target=write)
    writer.start()
    try:
        pairs = set()
        for number in range(5):
            back_up(config.database, tmp_path / f"{number}.db", force=False)
            with closing(sqlite3.connect(tmp_path / f"{number}.db")) as copy:
                assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                pairs.add(
                    tuple(v for (v,) in copy.execute("SELECT value FROM settings WHERE name IN ('left', 'right')"))
                )
    finally:
        stop.set()
        writer.join()
    assert all(len(set(pair)) <= 1 for pair in pairs), pairs


async def test_no_daemon_runs_on_it(place: Path, config: Config, tmp_path: Path) -> None:
    back_up(config.database, tmp_path / "copy.db", force=False)
    (tmp_path / "copy.db").replace(place)
    with pytest.raises(DatabaseHeld, match="is a backup"):
        async with opened(config, alone=True):
            pass


async def test_what_is_there_stays_unless_forced(place: Path, config: Config, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    file.write_text("dear")
    with pytest.raises(CommandFailed, match="is there already"):
        back_up(config.database, file, force=False)
    assert file.read_text() == "dear"
    assert back_up(config.database, file, force=True).topics == 1
    with pytest.raises(CommandFailed, match="is there already"):  # the database itself is never taken for a backup
        back_up(config.database, place, force=True)


async def test_a_folder_that_is_not_there_is_named(place: Path, config: Config, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No such file") as refused:
        back_up(config.database, tmp_path / "nowhere" / "copy.db", force=False)
    assert f"the folder {tmp_path / 'nowhere'}" in refused.value.hint


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "there is no database"),
        (lambda path: path.write_text("Dear Sir, this is a letter"), "can't be copied"),
        (lambda path: path.write_bytes(b""), "can't be copied"),
    ],
)
async def test_what_fails_leaves_nothing(
    place: Path, config: Config, tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    spoil(place)
    target = tmp_path / "backups"
    target.mkdir()
    with pytest.raises(CommandFailed, match=said):
        back_up(config.database, target / "copy.db", force=False)
    assert list(target.iterdir()) == []
