"""Everything that one database has, in another one: table by table, row by row, in the order of their keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import closing
from itertools import zip_longest
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Row,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
)

from bridge.errors import DatabaseHeld, Unavailable
from bridge.schema import metadata, settings
from bridge.settings import GENERATION, MOVED, MOVING, found, keep
from bridge.statements import upsert

PORTION = 1000
"""Rows that are read, and written in one transaction, at a time."""
Progress = Callable[[str, int, int], None]
"""Told the table, how many of its rows are done, and how many it has."""


def copy(source: Connection, target: Connection) -> None:
    """All rows of all tables into ones that have none, in the target's transaction."""
    for table in metadata.sorted_tables:
        for _, rows in _portions(source, table, behind=None):
            target.execute(insert(table), [_values(row) for row in rows])
        _number_on(target, table)


def emptied(connection: Connection, filled: Collection[str]) -> str | None:
    """Which of these tables has rows; if none has, what the others have is deleted."""
    tables = list(reversed(metadata.sorted_tables))
    for table in tables:
        if table.name in filled and _has_rows(connection, table):
            return str(table.name)
    for table in tables:
        connection.execute(delete(table))
    return None


def move(source: Engine, target: Engine, progress: Progress) -> int:
    """The same in small transactions, going on behind the last row that came over; then each row is compared.

    The source says from then on that it was moved, so that no daemon runs on it, and the target until then that it
    isn't whole. Returns how many rows there are. Raises DatabaseHeld for a target that has another's rows, Unavailable
    for one that differs.
    """
    with source.connect() as reading:
        _claim(target, found(reading, GENERATION) or "")
        for table in metadata.sorted_tables:
            _bring_over(reading, target, table, progress)
        with target.begin() as there:
            for table in metadata.sorted_tables:
                _number_on(there, table)
            count = sum(_compare(reading, there, table) for table in metadata.sorted_tables)
    with source.begin() as old:
        keep(old, MOVED, "1")
    with target.begin() as new:
        new.execute(delete(settings).where(settings.c.name == MOVING))
    return count


def _bring_over(source: Connection, target: Engine, table: Table, progress: Progress) -> None:
    total = source.execute(select(func.count()).select_from(table)).scalar_one()
    with target.connect() as there:
        behind = _last(there, table)
    before = 0 if behind is None else _count_to(source, table, behind)
    for done, rows in _portions(source, table, behind=behind):
        with target.begin() as writing:
            upsert(writing, table, [_values(row) for row in rows if not _is_mark(table, row)])
        progress(table.name, before + done, total)


def _number_on(target: Connection, table: Table) -> None:
    """New rows get numbers above those that came over."""
    column = table.autoincrement_column
    if target.dialect.name != "postgresql" or column is None:
        return
    top = select(func.max(column)).scalar_subquery()
    serial = func.pg_get_serial_sequence(table.name, column.name)
    target.execute(select(func.setval(serial, func.coalesce(top, 1), top.is_not(None))))


def _claim(target: Engine, generation: str) -> None:
    """Only into an empty database, or one that the same move left unfinished."""
    with target.begin() as connection:
        if found(connection, MOVING) == generation:
            return
        for table in metadata.sorted_tables:
            if _has_rows(connection, table):
                hint = "give an empty database, or another schema of it (database.schema_name)"
                raise DatabaseHeld(f"the database to move to isn't empty: it has {table.name}", hint=hint)
        keep(connection, MOVING, generation)


def _has_rows(connection: Connection, table: Table) -> bool:
    return connection.execute(select(literal(1)).select_from(table).limit(1)).one_or_none() is not None


def _values(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # its public name


def _key(table: Table, row: Row[Any]) -> list[Any]:
    values = _values(row)
    return [values[column.name] for column in table.primary_key]


def _is_mark(table: Table, row: Row[Any]) -> bool:
    return table is settings and _values(row)["name"] in {MOVING, MOVED}


def _portions(
    connection: Connection, table: Table, *, behind: Sequence[Any] | None
) -> Generator[tuple[int, Sequence[Row[Any]]]]:
    """The table's rows behind that key, in the order of the keys' bytes, with how many that makes."""
    keys = _keys(connection, table)
    wanted = select(table).order_by(*keys).execution_options(yield_per=PORTION)
    if behind is not None:
        wanted = wanted.where(_behind(keys, behind))
    done = 0
    with connection.execute(wanted) as found_rows:
        for rows in found_rows.partitions():
            done += len(rows)
            yield done, rows


def _keys(connection: Connection, table: Table) -> list[ColumnElement[Any]]:
    """In the order of bytes with both kinds: PostgreSQL's own order of text is its locale's."""
    plain = connection.dialect.name == "sqlite"
    return [column if plain or not _is_text(column) else column.collate("C") for column in table.primary_key]


def _is_text(column: Column[Any]) -> bool:
    return isinstance(column.type, String)


def _behind(keys: Sequence[ColumnElement[Any]], place: Sequence[Any]) -> ColumnElement[bool]:
    given: list[ColumnElement[Any]] = [bindparam(None, value, unique=True) for value in place]
    return tuple_(*keys) > tuple_(*given)


def _last(connection: Connection, table: Table) -> list[Any] | None:
    """The key of the last row that is there; the marks of a move aside."""
    found_last = select(table).order_by(*(key.desc() for key in _keys(connection, table))).limit(1)
    if table is settings:  # few rows, in an order that the mark would stand in
        return None
    row = connection.execute(found_last).one_or_none()
    return None if row is None else _key(table, row)


def _count_to(connection: Connection, table: Table, place: Sequence[Any]) -> int:
    total: int = connection.execute(
        select(func.count()).select_from(table).where(~_behind(_keys(connection, table), place))
    ).scalar_one()
    return total


def _compare(source: Connection, target: Connection, table: Table) -> int:
    """Each row of the one with that of the other; how many there are. Raises Unavailable."""
    count = 0
    with closing(_rows(source, table)) as ours, closing(_rows(target, table)) as theirs:
        for count, (row, other) in enumerate(zip_longest(ours, theirs), 1):  # noqa: B007 # the last count is the total
            if row is None or other is None or tuple(row) != tuple(other):
                key = ", ".join(str(part) for part in _key(table, row or other))
                raise Unavailable("the move", f"{table.name} {key} isn't the same in both databases")
    return count


def _rows(connection: Connection, table: Table) -> Generator[Row[Any]]:
    with closing(_portions(connection, table, behind=None)) as portions:
        for _, rows in portions:
            yield from (row for row in rows if not _is_mark(table, row))
