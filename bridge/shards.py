"""Each campaign belongs to one of a fixed number of shards, and each shard knows up to where it has been read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zlib import crc32

from sqlalchemy import Connection, bindparam, func, insert, select, update

from bridge.schema import leases

SHARDS = 64
"""Fixed in every database: a campaign's shard never changes."""


def shard_of(ref: str) -> int:
    """Which shard a campaign belongs to."""
    return crc32(ref.encode()) % SHARDS


def begin(connection: Connection, *, cursor_ns: int) -> None:
    """The shards of a new database: nobody's, to be swept from there on."""
    free = {"daemon": None, "fence": 0, "until_ms": 0, "cursor_ns": cursor_ns}
    connection.execute(insert(leases), [{"shard": shard, **free} for shard in range(SHARDS)])


def cursor_ns(connection: Connection) -> int:
    """The consensus time up to which every topic of ours has been read; 0 at first."""
    return int(connection.execute(select(func.min(leases.c.cursor_ns))).scalar_one() or 0)


def keep_cursor(connection: Connection, cursor_ns: int) -> None:
    """Everything up to this consensus time has been read, and nothing behind it."""
    connection.execute(update(leases).values(cursor_ns=cursor_ns))


def lower_cursor(connection: Connection, cursor_ns: int) -> None:
    """Something behind this consensus time is to be read again; whoever reads notices."""
    connection.execute(update(leases).where(leases.c.cursor_ns > cursor_ns).values(cursor_ns=cursor_ns))


def cursors_of(connection: Connection, shards: Iterable[int]) -> dict[int, int]:
    """Up to where each of these shards has been read."""
    found = select(leases.c.shard, leases.c.cursor_ns).where(leases.c.shard.in_(list(shards)))
    return {row.shard: row.cursor_ns for row in connection.execute(found)}


def move_cursors(connection: Connection, read_from: Mapping[int, int], reached_ns: int) -> None:
    """These shards have been read up to there, each from where its cursor was; one that was lowered since stays."""
    moved = update(leases).where(leases.c.shard == bindparam("of"), leases.c.cursor_ns == bindparam("from_ns"))
    rows = [{"of": shard, "from_ns": from_ns} for shard, from_ns in read_from.items()]
    if rows:
        connection.execute(moved.values(cursor_ns=reached_ns), rows)
