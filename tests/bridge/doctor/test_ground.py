"""The database is read without touching it, dead disks and dead mirrors are left behind."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DatabaseError

from bridge import migrations
from bridge.doctor.ground import apart
from bridge.engines import sqlite
from bridge.errors import Unavailable
from bridge.schema import settings
from bridge.storage import opened
from tests.bridge.doctor.ward import changed, ground_of
from tests.integration.world import World
from topics import errors as hcs
from topics.mirror.rest import Mirror


async def test_no_database_is_nothing_to_look_at_and_none_is_made(made: World) -> None:
    async with ground_of(made.config) as ground:
        assert await ground.look(lambda connection: 1) is None
        assert not sqlite.file_of(ground.config.database).exists()


def write(connection: Connection) -> None:
    connection.execute(insert(settings).values(name="x", value="y"))


async def test_it_reads_beside_a_daemon_and_cannot_write(made: World) -> None:
    async with opened(made.config, alone=True) as storage, ground_of(made.config) as ground:
        assert await ground.look(lambda c: c.execute(select(settings.c.value)).scalars().all())
        with storage.database.engine.begin() as connection:
            write(connection)
            assert await ground.look(migrations.revision_of) == migrations.revisions()[0]
        with pytest.raises(Unavailable, match="readonly"):
            await ground.look(write)


async def test_another_schema_is_only_looked_at_on_request(made: World) -> None:
    async with opened(made.config, alone=True) as storage, ground_of(made.config) as ground:
        with storage.database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        assert await ground.look(lambda connection: 1) is None
        assert await ground.look_at_any(migrations.revision_of) == "0001"


async def test_what_is_no_database_is_told(made: World) -> None:
    async with ground_of(made.config) as ground:
        sqlite.file_of(ground.config.database).write_text("something else " * 100)
        with pytest.raises(Unavailable, match="not a database"):
            await ground.look(lambda connection: 1)


async def test_the_first_mirror_that_answers_is_believed(made: World) -> None:
    urls = ("http://127.0.0.1:1", made.devnet.mirror_url)

    async def ask(mirror: Mirror) -> str:
        await mirror.exchange_rate()
        return mirror.url

    async with ground_of(changed(made.config, "mirror", urls=urls)) as ground:
        assert await ground.first(ask) == urls[1]
    async with ground_of(changed(made.config, "mirror", urls=urls[:1])) as ground:
        with pytest.raises(hcs.Unavailable):
            await ground.first(ask)


async def test_nobody_waits_for_a_disk_that_never_answers() -> None:
    never = threading.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await apart(never.wait)
    assert time.monotonic() - started < 2
    never.set()


async def test_what_is_raised_apart_comes_back() -> None:
    def break_down() -> None:
        raise DatabaseError("statement", None, ValueError())

    with pytest.raises(DatabaseError):
        await apart(break_down)
