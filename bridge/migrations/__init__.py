"""Brings a database to the schema that this version of the program knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from bridge.errors import DatabaseHeld

MAX_NAMED = 5


def upgrade(engine: Engine, *, may_change: bool = True) -> tuple[str | None, str]:
    """Run what is missing, in one transaction; from which revision to which it went.

    Raises DatabaseHeld for a database of a later version, or of something else, and, unless it `may_change`, for one of
    an earlier.
    """
    with engine.begin() as connection:
        revision = revision_of(connection)
        if revision is not None and revision not in revisions():
            raise DatabaseHeld(
                f"the database's revision {revision} is not known to this version",
                hint="run the version that migrated it, or a later one",
            )
        if revision is None and (others := inspect(connection).get_table_names()):
            raise DatabaseHeld(
                f"the database is somebody else's: it has {', '.join(sorted(others)[:MAX_NAMED])}",
                hint="name a file of its own in database.url, or on PostgreSQL a schema in database.schema_name",
            )
        newest = revisions()[0]
        if revision not in {None, newest} and not may_change:
            raise DatabaseHeld(
                f"the database's schema is {revision}, this version wants {newest}; database.upgrade_at_start is off",
                hint="make a backup, and run `hcs-bridge db upgrade` while the daemon is stopped",
            )
        run(connection, newest)
    return revision, newest


def run(connection: Connection, revision: str) -> None:
    """Run what is missing up to that revision, in the caller's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@cache
def revisions() -> tuple[str, ...]:
    """Every revision that this version knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """The revision that a database is at; None for one that was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config
