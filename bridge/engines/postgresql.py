"""PostgreSQL: a schema of our own in a database that others operate, through `psycopg` (extra `[postgresql]`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.pool import NullPool

from bridge.config_sections import Database as DatabaseSection
from bridge.engines.faults import unavailable
from bridge.errors import ConfigInvalid, ConfigProblem, DatabaseHeld, HeldForNow

LOCK_MAY_GO = True  # with its session, when the server is restarted
LOCK = 0x686373_62726964
"""`hcs-brid` as a number: what an advisory lock goes by, in our database."""
PATIENCE = {"idle": 10, "interval": 5, "count": 3}
PATIENCE_MS = 25_000
"""Within it either side notices that the other has gone without a word; the server then lets go of its locks."""
OF_PRISMA = ("schema", "connection_limit", "pool_timeout", "pgbouncer", "sslidentity")
"""Parameters of a Prisma URL, which DATABASE_URL often is; libpq refuses what it doesn't know."""


def engine_of(section: DatabaseSection) -> Engine:
    """Connections whose transactions are serializable: as if one wrote after the other, whoever they are."""
    size = section.read_threads + 1
    engine = _engine(section, isolation_level="SERIALIZABLE", pool_size=size, max_overflow=0, pool_pre_ping=True)

    @event.listens_for(engine, "connect", once=True)
    def _schema(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (section.schema_name,))
        if cursor.fetchone() is None:  # asked first: who may use it needn't have the right to make it
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))  # two that make it at once: one would fail
            cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{section.schema_name}"')
        connection.commit()

    return engine


def snapshots(engine: Engine) -> Engine:
    """One moment for all statements of a reader."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def ticket(connection: Connection) -> str | None:
    """The transaction's number."""
    number: str | None = connection.exec_driver_sql("SELECT pg_current_xact_id_if_assigned()::text").scalar_one()
    return number


def is_committed(connection: Connection, ticket: str) -> bool | None:
    """The server remembers, for as long as any transaction of then may be asked for."""
    status = connection.execute(text("SELECT pg_xact_status(CAST(:ticket AS xid8))"), {"ticket": ticket}).scalar_one()
    return None if status == "in progress" else status == "committed"


def reading(section: DatabaseSection, *, timeout_s: float) -> Engine:
    """The same, refused by the server what would change anything."""
    options = f"-c default_transaction_read_only=on -c statement_timeout={round(timeout_s * 1000)}"
    return _engine(section, options, isolation_level="REPEATABLE READ", poolclass=NullPool)


def exists(section: DatabaseSection) -> bool:
    """Whether our schema is there."""
    engine = reading(section, timeout_s=section.busy_timeout_s)
    try:
        with unavailable(), engine.connect() as connection:
            found = text("SELECT to_regclass(:name) IS NOT NULL")
            return bool(connection.execute(found, {"name": f'"{section.schema_name}".alembic_version'}).scalar_one())
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Held:
    """A session whose lock ends with it."""

    engine: Engine
    session: Connection

    def locks(self, function: str, name: str) -> bool:
        """Whether the session could take what goes by that name."""
        take = text(f"SELECT {function}(hashtextextended(:name, :ours))")
        return bool(self.session.execute(take, {"ours": LOCK, "name": name}).scalar_one())

    def close(self) -> None:
        """Let others have it."""
        self.session.close()
        self.engine.dispose()


def now_ms(connection: Connection) -> int:
    """The server's time of day, as it passes within a transaction, too."""
    return int(connection.execute(text("SELECT extract(epoch from clock_timestamp()) * 1000")).scalar_one())


def hold(section: DatabaseSection, *, daemon: int | None = None) -> Held:
    """Advisory locks by the schema's name, for a session that does nothing else: alone, or as one of several daemons.

    Those share the lock of the whole, so that whoever wants it alone waits for all of them to be stopped.
    """
    engine = _engine(section, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with unavailable():
        held = Held(engine, engine.connect())
        whole, own = section.schema_name, f"{section.schema_name}/{daemon}"
        if daemon is None:
            taken = held.locks("pg_try_advisory_lock", whole)
            refusal = f"another process holds the database ({place(section)})"
            hint = "stop the other hcs-bridge, or give this one a database.schema_name of its own"
        elif taken := held.locks("pg_try_advisory_lock_shared", whole):
            taken = held.locks("pg_try_advisory_lock", own)
            refusal = f"another daemon with daemon.number {daemon} holds the database ({place(section)})"
            hint = "give each daemon on it a daemon.number of its own; one that hangs keeps its number until it is "
            hint += f"killed, one whose machine is gone for {PATIENCE_MS / 1000:.0f} s more"
        else:
            refusal = f"another process has the database for itself ({place(section)})"
            hint = "wait until the command that works on it is through, or give this one another database.schema_name"
    if not taken:
        held.close()
        raise (DatabaseHeld if daemon is None else HeldForNow)(refusal, hint=hint)
    return held


@contextmanager
def in_turn(engine: Engine) -> Iterator[None]:
    """A lock of a session that does nothing else, by the schema's name: transactions in the block begin behind it."""
    ours = "(hashtextextended(current_schema() || '/start', :ours))"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.execute(text(f"SELECT pg_advisory_lock{ours}"), {"ours": LOCK})
        try:
            yield
        finally:
            session.execute(text(f"SELECT pg_advisory_unlock{ours}"), {"ours": LOCK})


def place(section: DatabaseSection) -> str:
    """Host, database and schema."""
    url = make_url(section.url)
    return f"{url.set(password=None, query={}).render_as_string()}, schema {section.schema_name}"


def size(connection: Connection) -> int:
    """All tables of ours, with their indexes."""
    ours = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
    where = "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
    return int(connection.execute(text(f"{ours} {where}")).scalar_one())


def damage(_connection: Connection) -> list[str]:
    """The server looks after its own pages."""
    return []


def lost(_connection: Connection) -> list[tuple[str, str]]:
    """Foreign keys are the server's to keep."""
    return []


def empty_log(_engine: Engine) -> None:
    """The server's log is its operator's: what was shredded stays in it and its archive for as long as they say."""


def _engine(section: DatabaseSection, options: str = "", **how: Any) -> Engine:
    timeout_ms = round(section.busy_timeout_s * 1000)
    waits = f"-c lock_timeout={timeout_ms} -c idle_in_transaction_session_timeout={timeout_ms}"
    patience = " ".join(f"-c tcp_keepalives_{name}={value}" for name, value in PATIENCE.items())
    asked = f"{waits} {patience} -c tcp_user_timeout={PATIENCE_MS} {options}"
    connect_args = {
        "options": f'-c search_path="{section.schema_name}" -c timezone=UTC -c synchronous_commit=on {asked}',
        "connect_timeout": max(1, round(section.busy_timeout_s)),
        "tcp_user_timeout": PATIENCE_MS,
        **{f"keepalives_{name}": value for name, value in PATIENCE.items()},
        "application_name": "hcs-bridge",
    }
    try:
        return create_engine(_url(section), connect_args=connect_args, hide_parameters=True, **how)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        rule = f"{error}: pip install 'hcs-bridge[postgresql]'"
        raise ConfigInvalid([ConfigProblem("configuration", "database.url", "(hidden)", rule)]) from error


def _url(section: DatabaseSection) -> URL:
    """For psycopg 3, without what only Prisma understands."""
    return make_url(section.url).set(drivername="postgresql+psycopg").difference_update_query(OF_PRISMA)
