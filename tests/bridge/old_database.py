"""A database as the first version made it: at its first schema."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from bridge import migrations
from bridge.config import Config
from bridge.database import Database
from bridge.engines import sqlite


def old_database(config: Config) -> None:
    """An empty one, where the configuration wants it."""
    engine = Database(config.database).engine
    with engine.begin() as connection:
        migrations.run(connection, migrations.revisions()[-1])
    engine.dispose()


def made_old(config: Config) -> None:
    """What the database holds, as far as the first version had a column for it, in a database of that version."""
    place = sqlite.file_of(config.database)
    newer = place.with_name("newer.db")
    with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(newer)) as target:
        source.backup(target)
    for path in place.parent.glob(f"{place.name}*"):
        path.unlink()
    old_database(config)
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("ATTACH ? AS newer", (str(newer),))
        tables = "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
        for (table,) in connection.execute(tables).fetchall():
            found = connection.execute(f"PRAGMA main.table_info({table})").fetchall()
            columns = ", ".join(f'"{row[1]}"' for row in found)
            connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")  # noqa: S608
        connection.commit()
