"""A move to another database: every row, once, whatever it is broken off by; and nobody goes on with the old one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from bridge import migrations, moving, settings
from bridge.config_sections import Database
from bridge.engines import kind_of
from bridge.errors import DatabaseHeld, Unavailable
from bridge.schema import channels, entries, topics


def engine_at(url: str) -> Engine:
    section = Database(url=url)
    engine = kind_of(section).engine_of(section)
    migrations.upgrade(engine)
    return engine


def entry(name: str) -> dict[str, Any]:
    row = {"event_id": name.encode() * 16, "ref": "a-0", "channel": "campaign:a-0", "kind": "event", "size": 1}
    return row | {"body": b"\x00\xff", "api_key": "k", "accepted_ms": 1, "state": "waiting"}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Engine]:
    """More campaigns than go over at a time, one of them with an entry."""
    engine = engine_at(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        settings.claim(connection, network="devnet", generation="g", now_ns=10**18)
        names = [f"Größe {number}" if number % 2 else f"a-{number}" for number in range(2500)]
        rows: list[dict[str, Any]] = [{"ref": name, "state": "none", "registered_ms": 1} for name in names]
        connection.execute(insert(topics), rows)
        connection.execute(insert(channels), [{"channel": name, "top": 2**62} for name in names])
        connection.execute(insert(entries), entry("0"))
    yield engine
    engine.dispose()


@pytest.fixture
def target(postgres_url: str) -> Iterator[Engine]:
    engine = engine_at(postgres_url)
    yield engine
    engine.dispose()


class Killed(Exception):
    """What a test breaks a move off with."""


def test_everything_is_there_and_new_rows_get_new_numbers(source: Engine, target: Engine) -> None:
    told: list[tuple[str, int, int]] = []
    assert moving.move(source, target, lambda *each: told.append(each)) == 5067
    assert ("topics", 2500, 2500) in told
    with target.begin() as connection:
        settings.refuse_copy(connection)
        connection.execute(insert(entries), entry("1"))
        assert connection.execute(select(entries.c.id).order_by(entries.c.id)).scalars().all() == [1, 2]
    with source.begin() as connection, pytest.raises(DatabaseHeld, match="was moved"):
        settings.refuse_copy(connection)


@pytest.mark.parametrize("after", [1, 2, 4, 7])
def test_broken_off_it_goes_on_where_it_stopped(source: Engine, target: Engine, after: int) -> None:
    told: list[tuple[str, int, int]] = []

    def kill(*each: object) -> None:
        told.append(each)  # type: ignore[arg-type]
        if len(told) == after:
            raise Killed

    with pytest.raises(Killed):
        moving.move(source, target, kill)
    with target.begin() as connection, pytest.raises(DatabaseHeld, match="not all of the old"):
        settings.refuse_copy(connection)
    before = len(told)
    moving.move(source, target, kill)
    assert len(told) - before < 9  # what had come over by then isn't moved again
    with target.begin() as connection:
        settings.refuse_copy(connection)
        assert set(connection.execute(select(topics.c.ref)).scalars()) >= {"Größe 2499", "a-2498", "a-0"}


def test_a_database_with_rows_of_its_own_is_left_alone(source: Engine, target: Engine) -> None:
    with target.begin() as connection:
        connection.execute(insert(topics), {"ref": "theirs", "state": "none", "registered_ms": 1})
    with pytest.raises(DatabaseHeld, match="isn't empty: it has topics"):
        moving.move(source, target, lambda *_: None)
    with source.begin() as connection:
        settings.refuse_copy(connection)


def test_a_row_that_differs_is_named_and_the_old_database_stays_in_use(source: Engine, target: Engine) -> None:
    def change(table: str, done: int, of: int) -> None:
        if (table, done) == ("channels", of):
            with target.begin() as connection:
                connection.execute(update(channels).where(channels.c.channel == "a-42").values(top=1))

    with pytest.raises(Unavailable, match="channels a-42 isn't the same"):
        moving.move(source, target, change)
    with source.begin() as connection:
        settings.refuse_copy(connection)
