"""The migrations lead to the schema that the program knows, once, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Engine, ForeignKeyConstraint, Integer, MetaData, String, Table, UniqueConstraint, inspect
from sqlalchemy.exc import DBAPIError

from bridge import config_sections as sections
from bridge import migrations
from bridge.database import Database
from bridge.errors import DatabaseHeld
from bridge.schema import metadata
from tests.servers import place_at

VERSIONS = Path(migrations.__file__).parent / "versions"


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
        connection.exec_driver_sql("create view channels as select 1")  # the last that the migration makes
    with pytest.raises(DBAPIError, match="already exists"):
        migrations.upgrade(engine)
    assert (inspect(engine).get_table_names(), inspect(engine).get_view_names()) == ([], ["channels"])


def test_what_somebody_else_made_is_left_alone(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("create table theirs (something text)")
    with pytest.raises(DatabaseHeld, match="somebody else's: it has theirs") as refused:
        migrations.upgrade(engine)
    assert "of its own" in refused.value.hint
    assert inspect(engine).get_table_names() == ["theirs"]


def test_the_newest_revision_is_where_a_database_ends_up(engine: Engine) -> None:
    with engine.begin() as connection:
        assert migrations.revision_of(connection) is None
    migrations.upgrade(engine)
    with engine.begin() as connection:
        assert migrations.revision_of(connection) == migrations.revisions()[0]
    assert "0001" in migrations.revisions()


def test_older_daemons_can_go_on_beside_each_migration(engine: Engine) -> None:
    """Expand, then contract: while daemons are upgraded one after the other, the older ones run on the newer schema.

    A migration that takes something away says `contracts = "<revision>"`: the first whose version did without it, an
    earlier one. docs/operate.md has the rule.
    """
    known = [*reversed(migrations.revisions())]
    for number, revision in enumerate(known):
        before = reflected(engine)
        with engine.begin() as connection:
            migrations.run(connection, revision)
        if (contracts := contracted(revision)) is not None:
            assert contracts in known[:number], f"{revision}: no version of before did without it"
        else:
            assert not [*hindering(before, reflected(engine))], revision


def test_what_hinders_older_daemons_is_seen() -> None:
    before, after = MetaData(), MetaData()
    Table("gone", before, Column("a", Integer))
    Table("kept", before, Column("a", Integer), Column("b", Integer), Column("c", Integer))
    new = Column("d", Integer, nullable=False)
    Table("kept", after, Column("a", Integer, unique=True), Column("b", String(5)), new)
    assert [*hindering(before, after)] == [
        "gone is gone",
        "kept.c is gone",
        "kept.b has another type",
        "kept.d has no value in rows of who doesn't know it",
        "kept forbids more: UniqueConstraint ['a']",
    ]


def contracted(revision: str) -> str | None:
    """What a migration that takes something away says: the first revision whose version did without it."""
    [path] = VERSIONS.glob(f"v{revision}_*.py")
    found: str | None = getattr(import_module(f"bridge.migrations.versions.{path.stem}"), "contracts", None)
    return found


def reflected(engine: Engine) -> MetaData:
    """The schema as it stands in the database."""
    found = MetaData()
    found.reflect(engine)
    return found


def hindering(before: MetaData, after: MetaData) -> Iterator[str]:
    """What a program that knows the schema of before can't do any more, or would do wrong, with the one of after."""
    for name, old in before.tables.items():
        if name not in after.tables:
            yield f"{name} is gone"
            continue
        new = after.tables[name]
        yield from (f"{column} is gone" for column in old.columns if column.name not in new.columns)
        for column in new.columns:
            if column.name not in old.columns:
                if not column.nullable and column.server_default is None:
                    yield f"{column} has no value in rows of who doesn't know it"
            elif repr(column.type) != repr(old.columns[column.name].type):
                yield f"{column} has another type"
            elif old.columns[column.name].nullable and not column.nullable:
                yield f"{column} must have a value now"
        yield from (f"{name} forbids more: {rule}" for rule in sorted(rules(new) - rules(old)))


def rules(table: Table) -> set[str]:
    """What the table forbids, but for values that aren't there."""
    unique = {f"unique {sorted(index.columns.keys())}" for index in table.indexes if index.unique}
    others = [each for each in table.constraints if isinstance(each, UniqueConstraint | ForeignKeyConstraint)]
    return unique | {f"{type(each).__name__} {sorted(each.columns.keys())}" for each in others}
