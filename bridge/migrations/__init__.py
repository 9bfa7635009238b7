"""Brings a database to the schema that this version of the program knows."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from bridge.errors import DatabaseHeld


def upgrade(engine: Engine) -> None:
    """Run what is missing, in one transaction. Raises DatabaseHeld for a database of a later version."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision is not None and revision not in known:
            raise DatabaseHeld(
                f"the database's revision {revision} is not known to this version",
                hint="run the version that migrated it, or a later one",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
