"""A PostgreSQL server as a place: can it be reached, may we write there, does it keep what it accepts."""

from __future__ import annotations

from sqlalchemy import Connection, text

from bridge.config_sections import Database
from bridge.doctor.findings import Finding, failed, ok, text_of
from bridge.engines import kind_of, unavailable
from bridge.errors import ConfigInvalid, Unavailable

DATABASE, SERVER = "database", "server"
OLDEST = 130_000
"""PostgreSQL 13: the first that tells what became of a transaction by its 64-bit number."""
MIB = 1024 * 1024

_KNOWN = "SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') = 'on' AS flushes"
_MAY = "has_database_privilege(current_database(), 'CREATE') OR to_regnamespace(:name) IS NOT NULL AS may_write"


def place(section: Database) -> list[Finding]:
    """Two lines: the database with our rights in it, and the server that it is on."""
    kind = kind_of(section)
    where = kind.place(section)
    try:
        engine = kind.reading(section, timeout_s=section.busy_timeout_s)
        with unavailable(), engine.connect() as connection:
            return [_database(where, section, connection), _server(connection)]
    except (Unavailable, ConfigInvalid) as error:
        return [failed(DATABASE, f"{where}: {text_of(error)}", getattr(error, "hint", ""))]


def _database(where: str, section: Database, connection: Connection) -> Finding:
    found = connection.execute(text(f"SELECT {_MAY}"), {"name": f'"{section.schema_name}"'}).scalar_one()
    if not found:
        hint = "give the user of database.url the right to it: GRANT CREATE ON DATABASE"
        return failed(DATABASE, f"no right to make a schema in {where}", hint)
    size = kind_of(section).size(connection) if kind_of(section).exists(section) else None
    return ok(DATABASE, f"{where}: " + ("the first start makes it" if size is None else f"{size // MIB} MiB"))


def _server(connection: Connection) -> Finding:
    version, flushes = connection.execute(text(_KNOWN)).one()
    if version < OLDEST:
        return failed(SERVER, f"it is PostgreSQL {version // 10_000}", "use PostgreSQL 13 or newer")
    if not flushes:
        hint = "set fsync = on in the server's configuration: accepted must mean kept"
        return failed(SERVER, "its fsync is off: what it says it keeps may be lost with its power", hint)
    return ok(SERVER, f"PostgreSQL {version // 10_000}, which flushes what it commits")
