"""Reading together: one call for all who wait, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from bridge import config_sections as sections
from bridge.database import Database
from bridge.errors import Unavailable
from bridge.schema import settings as table
from tests.footing import database_at
from tests.rooms import until

MANY = 4 * sections.Database().max_read_together


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(tmp_path / "b.db") as database:
        yield database


async def test_readers_who_wait_together_share_one_call(database: Database) -> None:
    gate, calls = threading.Event(), list[list[str]]()

    def find_all(connection: Connection, wanted: Sequence[str]) -> list[bool | BaseException]:
        calls.append([*wanted])
        gate.wait(5)
        known = {*connection.execute(select(table.c.name)).scalars()}
        return [KeyError(name) if name == "refused" else name in known for name in wanted]

    await database.write(lambda c: c.execute(insert(table).values(name="a", value="x")))
    first = asyncio.ensure_future(database.read_together(find_all, "a"))
    await until(lambda: bool(calls))
    others = [asyncio.ensure_future(database.read_together(find_all, name)) for name in ("b", "refused", "gone", "a")]
    await asyncio.sleep(0)
    others.pop(2).cancel()
    gate.set()
    assert await first
    found, refused, again = await asyncio.gather(*others, return_exceptions=True)
    assert calls == [["a"], ["b", "refused", "gone", "a"]]
    assert (found, again) == (False, True)
    assert isinstance(refused, KeyError)


async def test_whoever_reads_for_all_may_be_cancelled(database: Database) -> None:
    gates, calls = (threading.Event(), threading.Event()), list[list[str]]()

    def find_all(_connection: Connection, wanted: Sequence[str]) -> list[str]:
        calls.append([*wanted])
        gates[len(calls) - 1].wait(5)
        return [*wanted]

    alone, leading, following = (asyncio.ensure_future(database.read_together(find_all, name)) for name in "abc")
    await until(lambda: len(calls) == 1)
    gates[0].set()
    await until(lambda: len(calls) == 2)
    leading.cancel()
    gates[1].set()
    assert (await alone, await following) == ("a", "c")
    assert calls == [["a"], ["b", "c"]]


async def test_what_those_left_behind_who_gave_up_holds_up_nobody(database: Database) -> None:
    gate = threading.Event()

    def find_all(_connection: Connection, wanted: Sequence[int]) -> list[int]:
        gate.wait(5)
        return [*wanted]

    callers = [asyncio.ensure_future(database.read_together(find_all, number)) for number in range(MANY)]
    await asyncio.sleep(0)
    for each in callers[1:-1]:
        each.cancel()
    gate.set()
    async with asyncio.timeout(5):
        assert (await callers[0], await callers[-1]) == (0, MANY - 1)


async def test_who_comes_when_it_is_closed_is_told_so(database: Database) -> None:
    """A client may ask while the daemon ends."""
    await database.close()
    for ask in (database.read, database.write):
        with pytest.raises(Unavailable, match="it is closed"):
            await ask(lambda c: c.execute(select(table.c.name)).scalars().all())
    with pytest.raises(Unavailable, match="it is closed"):
        await database.read_together(lambda _connection, names: names, "a")
