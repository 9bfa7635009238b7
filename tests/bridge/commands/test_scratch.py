"""Where a database is to be put, none may lie that somebody needs."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bridge import offline
from bridge.commands.exits import CommandFailed
from bridge.commands.scratch import beside, clear
from bridge.config import Config
from bridge.engines import sqlite


async def test_an_empty_database_makes_room_and_any_other_stays(config: Config) -> None:
    place = sqlite.file_of(config.database)
    clear(place)
    await offline.topics(config)  # as when somebody looked: made, with nothing in it
    assert place.exists()
    clear(place)
    assert not place.exists()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE letters (text)")
    with pytest.raises(CommandFailed, match="no database of this program's"):
        clear(place)
    assert place.exists()


async def test_what_fails_on_the_way_puts_nothing_in_place(config: Config) -> None:
    place = sqlite.file_of(config.database)
    with pytest.raises(RuntimeError):
        async with beside(config, "rebuilding"):
            raise RuntimeError
    assert not place.exists()
    async with beside(config, "rebuilding") as (storage, _):
        assert place.with_name(f"{place.name}.rebuilding").exists()
        assert storage.config.database.url.endswith(".rebuilding")
    assert place.exists()
    assert list(place.parent.glob(f"{place.name}.*")) == [place.with_name(f"{place.name}.lock")]
