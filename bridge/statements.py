"""Statements that every room needs and that SQLAlchemy leaves to the database's dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeVar

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite

Item = TypeVar("Item")

MAX_IN = 500
"""Values that one statement looks for at a time; SQLite takes 32,766, PostgreSQL 65,535, parts of tuples counted."""


def sliced(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in lists of at most MAX_IN."""
    whole = list(items)
    return (whole[at : at + MAX_IN] for at in range(0, len(whole), MAX_IN))


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows, all with the same columns, or, where a primary key is taken, set the others there."""
    if rows:
        connection.execute(_merge(table, tuple(rows[0]), connection.dialect.name, adding=False), rows)


def add_up(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    """Insert the rows, all with the same columns, or, where a primary key is taken, add to the numbers there."""
    if rows:
        connection.execute(_merge(table, tuple(rows[0]), connection.dialect.name, adding=True), rows)


@cache
def _merge(table: Table, names: tuple[str, ...], dialect: str, *, adding: bool) -> Executable:
    """Made once for a table and its columns: building a statement costs more than running it."""
    keys = [column.name for column in table.primary_key]
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    new = {name: statement.excluded[name] for name in names if name not in keys}
    values = {name: table.c[name] + value for name, value in new.items()} if adding else new
    merged: Executable = statement.on_conflict_do_update(index_elements=keys, set_=values)
    return merged
