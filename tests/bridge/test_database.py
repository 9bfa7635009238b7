"""The database: what is accepted is on disk, what fails stores nothing, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from bridge.database import Database
from bridge.errors import Unavailable
from bridge.schema import settings as table
from tests.footing import database_at


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(tmp_path / "b.db") as database:
        yield database


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(table.c.name)).scalars()) - {"generation", "network", "sweep_cursor_ns"}


def add(connection: Connection, name: str) -> str:
    connection.execute(insert(table).values(name=name, value="x"))
    return name


def adding(name: str) -> Callable[[Connection], str]:
    return partial(add, name=name)


@pytest.mark.sqlite
async def test_accepted_means_that_another_connection_sees_it(database: Database, tmp_path: Path) -> None:
    assert await database.write(lambda c: add(c, "a")) == "a"
    with sqlite3.connect(tmp_path / "b.db") as other:
        assert other.execute("select value from settings where name = 'a'").fetchall() == [("x",)]
    other.close()


@pytest.mark.sqlite
async def test_each_commit_is_flushed(database: Database) -> None:
    modes = await database.read(
        lambda c: [c.exec_driver_sql(f"pragma {p}").scalar() for p in ("synchronous", "journal_mode")]
    )
    assert modes == [2, "wal"]
    assert await database.read(lambda c: c.exec_driver_sql("pragma foreign_keys").scalar()) == 1


async def test_a_failing_work_takes_nobody_along_and_leaves_nothing(database: Database) -> None:
    def fail(connection: Connection) -> None:
        add(connection, "half")
        raise KeyError("mine")

    works = [adding(name) for name in "abc"]
    outcomes: list[Any] = await asyncio.gather(
        *(database.write(work) for work in [works[0], fail, *works[1:]]), return_exceptions=True
    )
    assert outcomes[:1] + outcomes[2:] == ["a", "b", "c"]
    assert isinstance(outcomes[1], KeyError)
    assert await database.read(names) == {"a", "b", "c"}


async def test_a_group_is_one_commit(database: Database) -> None:
    transactions = []
    gate = threading.Event()

    def work(connection: Connection) -> None:
        transactions.append(connection.get_transaction())

    first = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0)  # taken by the writer
    rest = [asyncio.ensure_future(database.write(work)) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, *rest)
    assert len({id(transaction) for transaction in transactions}) == 1


async def test_a_caller_whose_work_fails_costs_the_others_few_commits(database: Database) -> None:
    commits: list[Connection] = []
    event.listen(database.engine, "commit", commits.append)
    gate = threading.Event()
    await database.write(lambda c: add(c, "taken"))
    first = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0.01)
    names_ = ["a", "taken", *(f"row {number}" for number in range(200))]
    rest = [asyncio.ensure_future(database.write(adding(name))) for name in names_]
    await asyncio.sleep(0)
    gate.set()
    outcomes = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [isinstance(outcome, IntegrityError) for outcome in outcomes].count(True) == 1
    assert len(commits) < 20


async def test_the_constraint_that_broke_is_told_to_its_caller_alone(database: Database) -> None:
    await database.write(lambda c: add(c, "a"))
    outcomes = await asyncio.gather(
        database.write(lambda c: add(c, "a")), database.write(lambda c: add(c, "b")), return_exceptions=True
    )
    assert isinstance(outcomes[0], IntegrityError)
    assert outcomes[1] == "b"


async def gathered(database: Database, *works: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run the works in one group; what came of each."""
    gate = threading.Event()
    first = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0.01)
    rest = [asyncio.ensure_future(work) for work in works]
    await asyncio.sleep(0)
    gate.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


async def test_who_wants_the_same_shares_one_call_and_each_gets_its_own_outcome(database: Database) -> None:
    calls: list[list[str]] = []

    def add_all(connection: Connection, wanted: Sequence[str]) -> list[str | BaseException]:
        calls.append(list(wanted))
        return [KeyError(name) if name == "refused" else add(connection, name) for name in wanted]

    names_ = ["a", "refused", "b", "c"]
    works = [
        work for name in names_ for work in (database.write_together(add_all, name), database.write(adding(f"{name}!")))
    ]
    outcomes = await gathered(database, *works)
    assert calls == [names_]
    assert isinstance(outcomes[2], KeyError)
    assert outcomes[:2] + outcomes[3:] == ["a", "a!", "refused!", "b", "b!", "c", "c!"]
    assert await database.read(names) == {"a", "b", "c", "a!", "b!", "c!", "refused!"}


async def test_a_shared_work_that_fails_runs_again_without_the_culprit(database: Database) -> None:
    def add_all(connection: Connection, wanted: Sequence[str]) -> list[str | BaseException]:
        return [add(connection, name) for name in wanted]

    await database.write(adding("taken"))
    names_ = ["a", "b", "taken", "c", "d"]
    outcomes = await gathered(database, *(database.write_together(add_all, name) for name in names_))
    assert isinstance(outcomes.pop(2), IntegrityError)
    assert outcomes == ["a", "b", "c", "d"]
    assert await database.read(names) == {*names_}


async def test_too_many_writes_are_refused_and_the_others_go_on(tmp_path: Path) -> None:
    gate = threading.Event()
    async with database_at(tmp_path / "b.db", max_pending_writes=2) as database:
        running = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
        await asyncio.sleep(0.01)
        waiting = [asyncio.ensure_future(database.write(adding(n))) for n in ("a", "b")]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="max_pending_writes"):
            await database.write(lambda c: add(c, "c"))
        gate.set()
        await asyncio.gather(running, *waiting)
        assert await database.write(lambda c: add(c, "d")) == "d"
        assert await database.read(names) == {"a", "b", "d"}


async def test_a_caller_that_was_cancelled_harms_nobody(database: Database) -> None:
    gate = threading.Event()
    running = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
    await asyncio.sleep(0.01)
    gone, stays = (asyncio.ensure_future(database.write(adding(n))) for n in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    gate.set()
    assert await asyncio.wait_for(stays, 5) == "stays"
    await running
    assert gone.cancelled()


async def test_a_reader_sees_one_moment(database: Database) -> None:
    """What a client is told of a channel, top and publications, must belong together."""
    looked, written = threading.Event(), threading.Event()

    def look_twice(connection: Connection) -> tuple[set[str], set[str]]:
        before = names(connection)
        looked.set()
        assert written.wait(5)
        return before, names(connection)

    reading = asyncio.ensure_future(database.read(look_twice))
    await asyncio.to_thread(looked.wait, 5)
    await database.write(lambda c: add(c, "a"))
    written.set()
    assert await reading == (set(), set())


async def test_a_write_that_was_under_way_when_the_writer_stopped_is_not_left_waiting(tmp_path: Path) -> None:
    gate = threading.Event()
    async with database_at(tmp_path / "b.db") as database:
        running = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))
        await asyncio.sleep(0.01)
        behind = asyncio.ensure_future(database.write(lambda c: add(c, "a")))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, gate.set)
    for late in (running, behind, asyncio.ensure_future(database.write(lambda c: add(c, "b")))):
        with pytest.raises(Unavailable):
            await asyncio.wait_for(late, 5)


async def test_a_statement_that_no_retry_will_mend_is_not_called_unavailable(database: Database) -> None:
    with pytest.raises(DBAPIError, match="nowhere"):
        await database.write(lambda c: c.exec_driver_sql("select * from nowhere"))
    with pytest.raises(DBAPIError, match="nowhere"):
        await database.read(lambda c: c.exec_driver_sql("select * from nowhere"))


@pytest.mark.sqlite
async def test_a_group_that_finds_the_database_locked_waits_once_and_not_each(tmp_path: Path) -> None:
    loop, busy_s = asyncio.get_running_loop(), 0.2
    async with database_at(tmp_path / "b.db", busy_timeout_s=busy_s) as database:
        with closing(sqlite3.connect(tmp_path / "b.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            began_s = loop.time()
            writes = [database.write(lambda c, n=n: add(c, f"row {n}")) for n in range(16)]  # type: ignore[misc]
            refused = await asyncio.gather(*writes, return_exceptions=True)
            waited_s = loop.time() - began_s
        assert {type(error) for error in refused} == {Unavailable}
        assert waited_s < 10 * busy_s  # 31 of them, were each half tried again
        assert await database.read(names) == set()
        await database.write(lambda c: add(c, "later"))
        assert await database.read(names) == {"later"}
