"""An application's PostgreSQL, as far as the bridge touches it: the rows of `hcs_bridge.outbox`, and NOTIFY."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import class_row

from bridge.engines.faults import said_in, sqlstate_of
from bridge.engines.postgresql import OF_PRISMA, PATIENCE, PATIENCE_MS
from bridge.errors import ConfigInvalid, ConfigProblem, Unavailable
from bridge.intake.rows import Offer, PlaceId, Row, offer_of
from bridge.intake.rules import Column
from bridge.intake.settings import SourceSettings

LOCK = (0x6863_7362, 1)
"""Of the session that reads; "hcsb". Advisory locks are of one database."""
OURS: Mapping[str, str | int] = {
    "connect_timeout": 10,  # s
    "tcp_user_timeout": PATIENCE_MS,
    **{f"keepalives_{name}": value for name, value in PATIENCE.items()},
    "options": "-c statement_timeout=30s -c client_encoding=UTF8",
    "application_name": "hcs-bridge",
}
"""What the URL says comes first."""
IDLE_SINCE = 140_000  # idle_session_timeout's server_version_num
AWAY = "see that the server of its url runs, and knows the database, the user and the password"
HINTS: Mapping[str, str] = {
    "28P01": "mend the password in its url",
    "28": "mend the user in its url: it needs LOGIN, and a line of pg_hba.conf that lets it in from here",
    "3D000": "mend the database's name in its url",
    "42P01": "there is no table hcs_bridge.outbox: `hcs-bridge preset hashbuzz sql | psql` makes it",
    "42703": "hcs_bridge.outbox isn't the table that `hcs-bridge preset hashbuzz sql | psql` makes",
    "42501": "GRANT to the user of its url: USAGE ON SCHEMA hcs_bridge; SELECT, UPDATE, DELETE ON hcs_bridge.outbox",
    "55": "somebody holds a lock on hcs_bridge.outbox: pg_stat_activity names the session",
    "57014": "a statement took 30 s: somebody holds a lock on hcs_bridge.outbox, see pg_stat_activity",
    "53300": "raise the server's max_connections, or the user's CONNECTION LIMIT: one connection is enough",
    "57P03": "the server is being started or stopped: in a moment it may be there",
    "57": "the server is being stopped, or somebody ended this session",
}
"""By how the SQLSTATE begins (PostgreSQL's documentation, appendix A)."""

# Of a text column 300 characters are enough: no name or id that passes is as long.
READ = """
SELECT id, event_id, to_char(made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS made_at,
       left(event, 300) AS event, left(campaign, 300) AS campaign, left(owner, 300) AS owner,
       left(to_user, 300) AS to_user,
       CASE WHEN length(said) <= %(chars)s THEN said END AS payload, length(said) AS payload_chars
FROM hcs_bridge.outbox, LATERAL (SELECT payload #>> '{}' AS said) AS plain
WHERE refused IS NULL ORDER BY id LIMIT %(rows)s
"""
_DELETE = "DELETE FROM hcs_bridge.outbox WHERE id = ANY(%s)"
_REFUSE = """
UPDATE hcs_bridge.outbox AS o SET refused = n.why
FROM unnest(%s::bigint[], %s::text[]) AS n (id, why) WHERE o.id = n.id
"""
_COLUMNS = """
SELECT n.nspname || '.' || c.relname AS "table", a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       CASE t.typcategory WHEN 'U' THEN t.typname ELSE t.typcategory::text END AS sort
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND n.nspname || '.' || c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
"""Of the catalogue itself: information_schema shows a role only what it may read, and the bridge's may read nothing."""
EXAMINED = """
SELECT count(*) FILTER (WHERE refused IS NULL) AS waiting, count(refused) AS refused,
  (SELECT left(refused, 300) FROM hcs_bridge.outbox WHERE refused IS NOT NULL ORDER BY id DESC LIMIT 1) AS why,
  has_table_privilege('hcs_bridge.outbox', 'UPDATE') AND has_table_privilege('hcs_bridge.outbox', 'DELETE') AS may,
  ARRAY(SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
    JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE p.pronamespace = 'hcs_bridge'::regnamespace AND p.proname <> 'tell' AND g.tgenabled <> 'D') AS watched
FROM hcs_bridge.outbox
"""


class Examined(NamedTuple):
    """How many rows wait, how many are refused and why the last one is, whether this user may do what the bridge does.

    `watched`: the tables whose triggers are on, each with its schema.
    """

    waiting: int
    refused: int
    why: str | None
    may: bool
    watched: Sequence[str]


class Source:
    """A session in the application's database. Each method raises Unavailable; then the session is of no more use."""

    def __init__(self, settings: SourceSettings, connection: psycopg.AsyncConnection[Any]) -> None:
        self._settings = settings
        self._connection = connection

    async def alone(self) -> bool:
        """Whether this session is the one that may read, from now until it ends: of several bridges one does."""
        with _mapped(self._settings.name):
            found = await self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK)
            return bool((await found.fetchone() or [False])[0])

    async def offers(self) -> dict[PlaceId, Offer]:
        """The first `max_batch` rows that wait, in the order of their ids.

        Never those behind a place: a lower id may be committed later.
        """
        limits = {"chars": self._settings.max_payload_chars, "rows": self._settings.max_batch}
        with _mapped(self._settings.name):
            async with self._connection.cursor(row_factory=class_row(Row)) as cursor:
                return {row.id: offer_of(row) for row in await (await cursor.execute(READ, limits)).fetchall()}

    async def settle(self, done: Sequence[PlaceId], refused: Mapping[PlaceId, str]) -> None:
        """Delete what is in the bridge's outbox, and say of the others why they aren't; both or neither."""
        with _mapped(self._settings.name):
            async with self._connection.transaction():
                if done:
                    await self._connection.execute(_DELETE, [list(done)])
                if refused:
                    await self._connection.execute(_REFUSE, [list(refused), list(refused.values())])

    async def examined(self) -> Examined:
        """The outbox as it is. Nothing is changed, and who reads it isn't disturbed."""
        with _mapped(self._settings.name):
            async with self._connection.cursor(row_factory=class_row(Examined)) as cursor:
                [found] = await (await cursor.execute(EXAMINED)).fetchall()
                return found

    async def columns(self, tables: Sequence[str]) -> list[Column]:
        """Of those of the tables that are there, each given with its schema."""
        with _mapped(self._settings.name):
            async with self._connection.cursor(row_factory=class_row(Column)) as cursor:
                return await (await cursor.execute(_COLUMNS, [list(tables)])).fetchall()

    async def news(self, timeout_s: float) -> None:
        """Wait until rows have been committed, as far as somebody says so, or the time is over."""
        with _mapped(self._settings.name):
            async for _ in self._connection.notifies(timeout=min(timeout_s, self._settings.lock_s / 3), stop_after=1):
                pass


def check_url(url: str, *, key: str) -> None:
    """Raises ConfigInvalid, without what stands there: it has a password in it."""
    try:
        _conninfo(url)
    except psycopg.Error:
        rule = "is no URL of a PostgreSQL database: postgresql://user:password@host:5432/database"
        raise ConfigInvalid([ConfigProblem("configuration", key, "(not shown)", rule)]) from None


@asynccontextmanager
async def opened(settings: SourceSettings) -> AsyncIterator[Source]:
    """A session that hears NOTIFY. Raises Unavailable."""
    with _mapped(settings.name):
        target = make_conninfo("", **{**OURS, **_conninfo(settings.url)})
        connection = await psycopg.AsyncConnection.connect(target, autocommit=True)
    try:
        with _mapped(settings.name):
            await connection.execute("LISTEN hcs_bridge")
            idle_ms = round(max(settings.lock_s, 2 * settings.poll_interval_s) * 1000)  # the server ends it then
            await connection.execute(f"SET idle_in_transaction_session_timeout = {idle_ms}")
            if connection.info.server_version >= IDLE_SINCE:
                await connection.execute(f"SET idle_session_timeout = {idle_ms}")
        yield Source(settings, connection)
    finally:
        await connection.close()


def _conninfo(url: str) -> dict[str, Any]:
    """For libpq, without what only Prisma understands."""
    address, _, query = url.partition("?")
    kept = [each for each in query.split("&") if each.partition("=")[0] not in OF_PRISMA]
    return dict(conninfo_to_dict("?".join([address, "&".join(kept)]) if any(kept) else address))


@contextmanager
def _mapped(name: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        state = sqlstate_of(error)  # None: there was no answer, or there is no session any more
        told = (hint for start, hint in HINTS.items() if state is not None and state.startswith(start))
        hint = next(told, AWAY if state is None else "see the server's own log")
        said = error.diag.message_primary or said_in(error)
        raise Unavailable(f"the PostgreSQL of ingest.postgres {name!r}", said, hint=hint) from error
