"""Statements of our own: insert or change, insert or add, and lists cut to what one statement takes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bridge import settings
from bridge.database import Database
from bridge.schema import costs
from bridge.schema import settings as table
from bridge.statements import MAX_IN, add_up, sliced, upsert
from tests.footing import database_at


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(tmp_path / "b.db") as database:
        yield database


async def test_upsert_sets_what_it_names(database: Database) -> None:
    await database.write(lambda c: upsert(c, table, [{"name": "a", "value": "1"}]))
    await database.write(lambda c: upsert(c, table, [{"name": "a", "value": "2"}]))
    assert await database.read(lambda c: settings.found(c, "a")) == "2"


async def test_numbers_add_up_by_primary_key(database: Database) -> None:
    row = {"scope": "key", "tinycents": 0, "reserved_tinybar": 0, "transactions": 1, "events": 0}
    rows = [row | {"name": name, "tinybar": tinybar} for name, tinybar in (("a", 5), ("b", 7), ("a", -2))]
    await database.write(lambda c: add_up(c, costs, rows))
    await database.write(lambda c: add_up(c, costs, []))
    found = select(costs.c.name, costs.c.tinybar, costs.c.transactions).order_by(costs.c.name)
    assert await database.read(lambda c: c.execute(found).all()) == [("a", 3, 2), ("b", 7, 1)]


def test_a_list_is_cut_and_nothing_of_it_is_lost() -> None:
    numbers = list(range(2 * MAX_IN + 1))
    parts = list(sliced(numbers))
    assert [len(part) for part in parts] == [MAX_IN, MAX_IN, 1]
    assert [number for part in parts for number in part] == numbers
    assert list(sliced([])) == []
