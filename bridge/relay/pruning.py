"""Lets go of what channels of a kind have kept for long enough, or too much of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, tuple_, update

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
ALL = 2**62  # more than any channel has


async def prune(
    database: Database, *, kind: str, keep_publications: int, keep_days: int, now_ms: Callable[[], int]
) -> None:
    """Go on until cancelled. What can't be pruned now is pruned later."""
    kept = {"keep_publications": keep_publications, "keep_days": keep_days}
    while True:
        try:
            await prune_once(database, kind=kind, **kept, now_ms=now_ms())
        except Unavailable as error:
            log.warning("channels not pruned", kind=kind, reason=str(error))
        await asyncio.sleep(EVERY_S)


async def prune_once(database: Database, *, kind: str, keep_publications: int, keep_days: int, now_ms: int) -> None:
    """Delete what the last round gave up, and raise the floors for the next; 0 is no limit. Raises Unavailable.

    `kind` is what the channels' names begin with: user or campaign. A round lies between the two because a recovery
    reads the floor first and the publications after it.
    """
    after = f"{kind}:"
    limits = {
        "behind": f"{kind};",  # all of their names sort between
        "most": keep_publications or ALL,
        "young_ns": (now_ms - keep_days * DAY_MS) * MS_NS if keep_days else 0,
    }
    while page := await database.read(lambda c: _page(c, after, limits)):  # noqa: B023 # awaited here
        last = page[-1].channel
        if any(row.lowest is not None and row.lowest <= row.floor for row in page):
            deleted = BATCH
            while deleted == BATCH:
                deleted = await database.write(lambda c: _delete(c, after, last))  # noqa: B023 # awaited here
                await asyncio.sleep(PAUSE_S)
        if raised := _raised(page):
            await database.write(lambda c: _raise(c, raised))
        after = last
        await asyncio.sleep(PAUSE_S)


def _raised(page: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """The floors that rise. A place stays above its floor until all that come before it are old, or too many."""
    floors = []
    for row in page:
        too_old = row.top if row.young is None else row.aged or 0
        floor = max(too_old, row.beyond or 0)
        if floor > row.floor:
            floors.append({"named": row.channel, "to": floor})
    return floors


_kept, _early = publications.alias("kept"), publications.alias("early")  # each subquery has a name of its own
_YOUNG = (
    select(_early.c.offset)
    .where(
        _early.c.channel == channels.c.channel,
        _early.c.offset > channels.c.floor,
        _early.c.consensus_ns >= bindparam("young_ns"),
    )
    .order_by(_early.c.offset)
    .limit(1)
    .correlate(channels)
    .scalar_subquery()
)
_OF_CHANNEL = select(_kept.c.offset).where(_kept.c.channel == channels.c.channel).limit(1).correlate(channels)
_LOWEST = _OF_CHANNEL.order_by(_kept.c.offset)
_HIGHEST = _OF_CHANNEL.order_by(_kept.c.offset.desc())
_PAGE = (
    select(
        channels,
        _LOWEST.scalar_subquery().label("lowest"),
        _YOUNG.label("young"),
        _HIGHEST.where(_kept.c.offset < _YOUNG).scalar_subquery().label("aged"),
        _HIGHEST.offset(bindparam("most")).scalar_subquery().label("beyond"),
    )
    .where(channels.c.channel > bindparam("after"), channels.c.channel < bindparam("behind"))
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


def _page(connection: Connection, after: str, limits: Mapping[str, Any]) -> Sequence[Row[Any]]:
    return connection.execute(_PAGE, {"after": after, **limits}).all()


def _raise(connection: Connection, floors: Sequence[Mapping[str, Any]]) -> None:
    connection.execute(_RAISE, floors)


def _delete(connection: Connection, after: str, last: str) -> int:
    return connection.execute(_DELETE, {"after": after, "last": last}).rowcount
