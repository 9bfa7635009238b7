"""The migrations lead to the schema that the program knows, once, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import DBAPIError

from bridge import config_sections as sections
from bridge import migrations
from bridge.database import Database
from bridge.errors import DatabaseHeld
from bridge.schema import metadata
from tests.servers import place_at


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Database(sections.Database(**place_at(tmp_path / "b.db"))).engine
    yield engine
    engine.dispose()


def test_an_empty_database_comes_to_the_schema(engine: Engine) -> None:
    migrations.upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


@pytest.mark.sqlite
def test_partial_indexes_are_the_schemas(engine: Engine, tmp_path: Path) -> None:
    """Alembic doesn't compare the condition of an index, and two promises hang on one."""
    migrations.upgrade(engine)
    straight = Database(sections.Database(**place_at(tmp_path / "straight.db"))).engine
    metadata.create_all(straight)
    assert partial_indexes(engine) == partial_indexes(straight)
    assert {"uq_flights_one_open", "uq_flights_producer_sequence"} <= partial_indexes(engine).keys()
    straight.dispose()


def partial_indexes(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "select name, sql from sqlite_master where type = 'index' and sql is not null"
        )
        return {name: " ".join(sql.split()) for name, sql in rows if " WHERE " in sql}


def test_twice_is_once(engine: Engine) -> None:
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("insert into settings values ('a', 'b')")
    migrations.upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select value from settings").scalars().all() == ["b"]


def test_a_database_of_a_later_version_is_refused_untouched(engine: Engine) -> None:
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    with pytest.raises(DatabaseHeld, match="9999") as caught:
        migrations.upgrade(engine)
    assert "later" in caught.value.hint
    with engine.connect() as connection:
        assert connection.exec_driver_sql("select version_num from alembic_version").scalar() == "9999"


def test_a_migration_that_breaks_off_leaves_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("create table channels (something text)")  # the last that the migration makes
    with pytest.raises(DBAPIError, match="already exists"):
        migrations.upgrade(engine)
    assert inspect(engine).get_table_names() == ["channels"]


def test_the_newest_revision_is_where_a_database_ends_up(engine: Engine) -> None:
    with engine.begin() as connection:
        assert migrations.revision_of(connection) is None
    migrations.upgrade(engine)
    with engine.begin() as connection:
        assert migrations.revision_of(connection) == migrations.revisions()[0]
    assert "0001" in migrations.revisions()
