"""Lets go of what users' channels have kept for long enough, or too much of; campaigns' channels stay whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, select, tuple_, update

from bridge.database import Database
from bridge.errors import Unavailable
from bridge.log import get_logger
from bridge.schema import channels, publications

log = get_logger(__name__)

EVERY_S = 600.0
PAGE = 200  # channels looked at in one read
BATCH = 500  # publications deleted in one commit, so that nobody waits long for the writer
PAUSE_S = 0.05
DAY_MS, MS_NS = 86_400_000, 1_000_000
BEFORE_USERS, BEHIND_USERS = "user:", "user;"  # all of their channels sort between


async def prune(database: Database, *, keep_publications: int, keep_days: int, now_ms: Callable[[], int]) -> None:
    """Go on until cancelled. What can't be pruned now is pruned later."""
    while True:
        try:
            await prune_once(database, keep_publications=keep_publications, keep_days=keep_days, now_ms=now_ms())
        except Unavailable as error:
            log.warning("users' channels not pruned", reason=str(error))
        await asyncio.sleep(EVERY_S)


async def prune_once(database: Database, *, keep_publications: int, keep_days: int, now_ms: int) -> None:
    """Delete what the last round gave up, and raise the floors for the next. Raises Unavailable.

    A round lies between the two because a recovery reads the floor first and the publications after it.
    """
    after, young_ns = BEFORE_USERS, (now_ms - keep_days * DAY_MS) * MS_NS
    while page := await database.read(lambda c: _page(c, after, young_ns)):  # noqa: B023 # awaited here
        last = page[-1].channel
        if any(row.lowest is not None and row.lowest <= row.floor for row in page):
            deleted = BATCH
            while deleted == BATCH:
                deleted = await database.write(lambda c: _delete(c, after, last))  # noqa: B023 # awaited here
                await asyncio.sleep(PAUSE_S)
        if raised := _raised(page, keep_publications):
            await database.write(lambda c: _raise(c, raised))
        after = last
        await asyncio.sleep(PAUSE_S)


def _raised(page: Sequence[Row[Any]], keep_publications: int) -> list[dict[str, Any]]:
    """The floors that rise. A place stays above its floor until all that come before it are old, or too many."""
    floors = []
    for row in page:
        too_old = row.top if row.young is None else row.young - 1
        floor = max(too_old, row.top - keep_publications)
        if floor > row.floor:
            floors.append({"named": row.channel, "to": floor})
    return floors


def _first(*conditions: ColumnElement[bool]) -> Any:
    found = select(publications.c.offset).where(publications.c.channel == channels.c.channel, *conditions)
    return found.order_by(publications.c.offset).limit(1).scalar_subquery()


_PAGE = (
    select(
        channels,
        _first().label("lowest"),
        _first(publications.c.offset > channels.c.floor, publications.c.consensus_ns >= bindparam("young_ns")).label(
            "young"
        ),
    )
    .where(channels.c.channel > bindparam("after"), channels.c.channel < BEHIND_USERS)
    .order_by(channels.c.channel)
    .limit(PAGE)
)
_GIVEN_UP = (
    select(publications.c.channel, publications.c.offset)
    .join(channels, channels.c.channel == publications.c.channel)
    .where(
        channels.c.channel > bindparam("after"),
        channels.c.channel <= bindparam("last"),
        publications.c.offset <= channels.c.floor,
    )
    .limit(BATCH)
)
_DELETE = delete(publications).where(tuple_(publications.c.channel, publications.c.offset).in_(_GIVEN_UP))
_RAISE = update(channels).where(channels.c.channel == bindparam("named")).values(floor=bindparam("to"))


def _page(connection: Connection, after: str, young_ns: int) -> Sequence[Row[Any]]:
    return connection.execute(_PAGE, {"after": after, "young_ns": young_ns}).all()


def _raise(connection: Connection, floors: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(_RAISE, floors)


def _delete(connection: Connection, after: str, last: str) -> int:
    return connection.execute(_DELETE, {"after": after, "last": last}).rowcount
