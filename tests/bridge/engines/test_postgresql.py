"""PostgreSQL: one process at a time, as if one wrote after the other, and clear words where it can't be used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
from sqlalchemy import Connection, delete, event, insert, select, text, update
from sqlalchemy.exc import ProgrammingError

from bridge.config_sections import Database as Section
from bridge.database import Database
from bridge.engines import Conflict, postgresql, unavailable
from bridge.errors import DatabaseHeld, Unavailable
from bridge.schema import channels
from tests.footing import database_of
from tests.servers import free_port, postgres_server


@pytest.fixture
def section(postgres_url: str) -> Section:
    return Section(url=postgres_url, busy_timeout_s=2.0)


@pytest.fixture
async def database(section: Section) -> AsyncIterator[Database]:
    async with database_of(section) as database:
        yield database


def add(name: str, connection: Connection) -> str:
    connection.execute(insert(channels).values(channel=name, top=0))
    return name


def count_up(connection: Connection) -> int:
    """As the rooms do: read, decide, write."""
    top: int = connection.execute(select(channels.c.top)).scalar_one()
    connection.execute(update(channels).values(top=top + 1))
    return top


def names(connection: Connection) -> set[str]:
    return set(connection.execute(select(channels.c.channel)).scalars())


def test_a_second_holder_is_refused_until_the_first_lets_go(section: Section) -> None:
    first = postgresql.hold(section)
    with pytest.raises(DatabaseHeld, match=r"another process holds .*schema hcs_bridge_store") as refused:
        postgresql.hold(section)
    assert "stop the other" in refused.value.hint
    postgresql.hold(section.model_copy(update={"schema_name": "another"})).close()
    first.close()
    postgresql.hold(section).close()


def test_daemons_share_it_each_under_its_number_and_who_wants_it_alone_waits(section: Section) -> None:
    first, second = postgresql.hold(section, daemon=1), postgresql.hold(section, daemon=2)
    with pytest.raises(DatabaseHeld, match=r"another daemon with daemon\.number 2"):
        postgresql.hold(section, daemon=2)
    second.close()
    with pytest.raises(DatabaseHeld, match="another process holds"):
        postgresql.hold(section)
    first.close()
    alone = postgresql.hold(section)
    with pytest.raises(DatabaseHeld, match="for itself"):
        postgresql.hold(section, daemon=1)
    alone.close()


async def test_daemons_that_start_together_start_one_after_the_other(section: Section) -> None:
    """Also where there is no schema yet, which both would make."""
    first, second = Database(section), Database(section)

    def start() -> None:
        with postgresql.in_turn(second.engine):
            pass

    with postgresql.in_turn(first.engine):
        waiting = asyncio.create_task(asyncio.to_thread(start))
        with first.engine.connect() as connection:
            waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            async with asyncio.timeout(10):
                while not connection.execute(waits).scalar_one():
                    connection.rollback()
                    await asyncio.sleep(0.01)
        assert not waiting.done()
    await waiting
    for each in (first, second):
        await each.close()


async def test_of_two_who_count_together_neither_loses_a_step(section: Section, database: Database) -> None:
    await database.write(partial(add, "a"))
    async with database_of(section) as other:
        steps = await asyncio.gather(*(each.write(count_up) for _ in range(100) for each in (database, other)))
    assert sorted(steps) == list(range(200))


async def test_who_never_gets_through_is_told_so(database: Database, section: Section) -> None:
    await database.write(partial(add, "a"))
    impatient = section.model_copy(update={"max_conflicts": 2})

    def interrupted(connection: Connection) -> None:
        top = connection.execute(select(channels.c.top)).scalar_one()
        with database.engine.begin() as other:
            other.execute(update(channels).values(top=top + 1))
        connection.execute(update(channels).values(top=-1))

    async with database_of(impatient) as other:
        with pytest.raises(Unavailable, match=r"2 times \(database\.max_conflicts\)"):
            await other.write(interrupted)
    assert await database.read(lambda c: c.execute(select(channels.c.top)).scalar_one()) == 2


async def test_a_commit_whose_answer_was_lost_is_asked_for(database: Database) -> None:
    """Nothing may be both refused and stored: the caller would have it a second time."""
    await database.write(partial(add, "before"))

    def lose(connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.commit()
        raw.close()

    event.listen(database.engine, "commit", lose, once=True)
    assert await database.write(partial(add, "kept")) == "kept"
    assert await database.read(names) == {"before", "kept"}


async def test_a_commit_that_never_came_is_refused_and_not_stored(database: Database) -> None:
    await database.write(partial(add, "before"))

    def break_off(connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.close()

    event.listen(database.engine, "commit", break_off, once=True)
    with pytest.raises(Unavailable, match="is unavailable"):
        await database.write(partial(add, "lost"))
    await database.write(partial(add, "after"))
    assert await database.read(names) == {"before", "after"}


async def test_killed_and_back_it_has_what_was_confirmed_and_nothing_else() -> None:
    with postgres_server() as server:
        async with database_of(Section(url=server.url(), busy_timeout_s=2.0)) as database:
            confirmed: set[str] = set()

            async def write(name: str) -> None:
                try:
                    confirmed.add(await database.write(partial(add, name)))
                except Unavailable:
                    await asyncio.sleep(0.01)

            async def work(worker: int) -> None:
                for number in range(100):
                    await write(f"{worker}-{number}")
                    if worker == 0 and number in {20, 60}:
                        await asyncio.to_thread(server.kill)
                        await asyncio.to_thread(server.start)

            await asyncio.gather(*(work(worker) for worker in range(4)))
            await write("at last")
            assert "at last" in confirmed
            assert await database.read(names) == confirmed


async def test_who_only_reads_can_not_write(database: Database, section: Section) -> None:
    await database.write(partial(add, "a"))
    with pytest.raises(Unavailable, match="read-only"):
        await database.read(lambda c: c.execute(delete(channels)))
    engine = postgresql.reading(section, timeout_s=5.0)
    with pytest.raises(Unavailable, match="read-only"), unavailable(), engine.begin() as connection:
        connection.execute(delete(channels))
    engine.dispose()
    assert await database.read(names) == {"a"}


def test_what_the_server_refuses_says_what_to_do(section: Section) -> None:
    away = section.model_copy(update={"url": f"postgresql://somebody:a-password@127.0.0.1:{free_port()}/bridge"})
    with pytest.raises(Unavailable, match=r"refused") as nobody:
        postgresql.hold(away)
    assert "runs and can be reached" in nobody.value.hint
    assert "a-password" not in f"{nobody.value}{nobody.value.hint}{postgresql.place(away)}"
    nowhere = section.model_copy(update={"url": section.url.rpartition("/")[0] + "/nowhere"})
    with pytest.raises(Unavailable, match="does not exist") as missing:
        postgresql.exists(nowhere)
    assert "the database's name" in missing.value.hint


async def test_a_fault_of_ours_is_not_called_unavailable(database: Database) -> None:
    with pytest.raises(ProgrammingError, match="nowhere"):
        await database.write(lambda c: c.exec_driver_sql("SELECT * FROM nowhere"))


async def test_what_can_be_run_again_is_told_apart(database: Database) -> None:
    await database.write(partial(add, "a"))
    with database.engine.connect() as first, database.engine.connect() as second:
        first.begin()
        count_up(first)
        second.begin()
        second.execute(select(channels.c.top))
        first.commit()
        with pytest.raises(Conflict), unavailable():
            second.execute(update(channels).values(top=7))


async def test_a_url_of_prismas_is_understood(section: Section, database: Database) -> None:
    theirs = section.model_copy(update={"url": f"{section.url}?schema=public&connection_limit=5"})
    await database.write(partial(add, "a"))
    assert postgresql.exists(theirs)
    assert await database.read(postgresql.size) > 0
