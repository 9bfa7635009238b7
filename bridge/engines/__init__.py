"""The two kinds of database that state can lie in, and all in which they differ: a file of SQLite's, or PostgreSQL.

Each module of a kind has the same functions (`Kind`); `database.url` says which kind it is.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine

from bridge.config_sections import Database as DatabaseSection
from bridge.engines import postgresql, sqlite
from bridge.engines.faults import Conflict, unavailable

__all__ = ["Conflict", "Held", "Kind", "kind_of", "unavailable"]


class Held(Protocol):
    """A database that is taken for this process: until `close()`, or the process's end."""

    def close(self) -> None:
        """Let others have it."""


class Kind(Protocol):
    """What a kind of database does in its own way. All but `place` raise Unavailable.

    `LOCK_MAY_GO` tells whether what `hold` took can get lost while this process runs.
    """

    LOCK_MAY_GO: bool

    def engine_of(self, section: DatabaseSection) -> Engine:
        """Connections that read and write; a transaction sees one moment, and no other's write comes between."""

    def snapshots(self, engine: Engine) -> Engine:
        """The same connections, for transactions that only read."""

    def ticket(self, connection: Connection) -> str | None:
        """What to ask by for a transaction whose commit got no answer; None: it can't be, or nothing was written."""

    def is_committed(self, connection: Connection, ticket: str) -> bool | None:
        """What became of it; None while it is going on."""

    def reading(self, section: DatabaseSection, *, timeout_s: float) -> Engine:
        """Connections that can't change anything."""

    def exists(self, section: DatabaseSection) -> bool:
        """Whether anything was ever made there."""

    def hold(self, section: DatabaseSection, *, daemon: int | None = None) -> Held:
        """Take it for this process alone, or, where several may be, for the daemon of that number.

        Raises DatabaseHeld.
        """

    def in_turn(self, engine: Engine) -> AbstractContextManager[None]:
        """Inside the block no other process is in its own: daemons that start together start one after the other."""

    def now_ms(self, connection: Connection) -> int:
        """The time by the clock that all who write there share."""

    def place(self, section: DatabaseSection) -> str:
        """Where it is, in words that may be shown."""

    def size(self, connection: Connection) -> int:
        """Bytes that it takes."""

    def damage(self, connection: Connection) -> list[str]:
        """What is wrong with what the disk holds, as far as this kind can look."""

    def lost(self, connection: Connection) -> list[tuple[str, str]]:
        """For each row that names one which isn't there: its table, and the other's."""

    def empty_log(self, engine: Engine) -> None:
        """Have nothing of what was deleted left in a log beside the tables, where this kind can."""


def kind_of(section: DatabaseSection) -> Kind:
    """By the URL's beginning, which the configuration has checked."""
    return sqlite if section.url.startswith("sqlite:") else postgresql
