"""Brings a database to the schema that this version of the program knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from bridge.errors import DatabaseHeld


def upgrade(engine: Engine) -> None:
    """Run what is missing, in one transaction. Raises DatabaseHeld for a database of a later version."""
    with engine.begin() as connection:
        revision = revision_of(connection)
        if revision is not None and revision not in revisions():
            raise DatabaseHeld(
                f"the database's revision {revision} is not known to this version",
                hint="run the version that migrated it, or a later one",
            )
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


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
