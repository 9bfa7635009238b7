"""What SQLite says of how it would run the statements of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from bridge.schema import metadata


class Plans:
    """Notes statements, and explains them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._statements: list[tuple[str, Any]] = []

    @property
    def count(self) -> int:
        """How many statements were noted."""
        return len(self._statements)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note what runs in the block."""

        def note(_c: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
            self._statements.append((statement, parameters))

        event.listen(self._connection, "before_cursor_execute", note)
        yield
        event.remove(self._connection, "before_cursor_execute", note)

    def scanned(self) -> set[str]:
        """The tables of which all rows, or all of an index, would be looked through."""
        found = set()
        for statement, parameters in self._statements:
            for row in self._connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                doing, name, *_ = row.detail.split()
                if doing == "SCAN" and name in metadata.tables:
                    found.add(name)
        return found
