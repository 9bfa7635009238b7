"""What waits for a user is bounded by count and age, and whoever is behind that is told; campaigns stay whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from bridge.database import Database
from bridge.protocol.realtime.recovery import Since
from bridge.relay.pruning import BATCH, DAY_MS, prune, prune_once
from bridge.supervise import supervised
from tests.bridge.relay.test_store import ONE, STORE, TWO, append, offsets, placed
from tests.footing import database_at

USER, CAMPAIGN = "user:77", "campaign:c1"
KEEP: dict[str, Any] = {"kind": "user", "keep_publications": 3, "keep_days": 10}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Five publications to a user and as many to a campaign, at seconds 1 to 5 of consensus time; one to another."""

    def fill(connection: Connection) -> None:
        for sequence in range(1, 6):
            append(connection, ONE, placed(ONE, sequence), placed(ONE, sequence, 1, audience="77"))
        append(connection, TWO, placed(TWO, 1, 0, audience="78"))

    async with database_at(tmp_path / "x.db") as database:
        await database.write(fill)
        yield database


async def follows(database: Database, offset: int, channel: str = USER) -> bool:
    top = await database.read(lambda c: STORE.top(c, channel, ONE.topic_id))
    return top.follows(Since(offset, ""))


async def left(database: Database, channel: str = USER) -> list[int]:
    return await database.read(lambda c: offsets(c, channel))


async def test_only_the_newest_are_kept(database: Database) -> None:
    await prune_once(database, **KEEP, now_ms=5000)
    assert await left(database) == [1, 2, 3, 4, 5]  # who asked before the floor rose still gets what was promised
    assert not await follows(database, 1)
    assert await follows(database, 2)
    await prune_once(database, **KEEP, now_ms=5000)
    assert await left(database) == [3, 4, 5]
    assert await left(database, "user:78") == [1]


async def test_the_old_go_all_of_them_and_offsets_go_on(database: Database) -> None:
    for _ in range(2):
        await prune_once(database, **KEEP, now_ms=4000 + 10 * DAY_MS)  # seconds 1 to 3 are too long ago
    assert await left(database) == [4, 5]
    assert await left(database, "user:78") == []
    for _ in range(2):
        await prune_once(database, **KEEP, now_ms=9000 + 10 * DAY_MS)
    assert await left(database) == []
    assert not await follows(database, 4)
    assert await follows(database, 5)
    [news] = await database.write(lambda c: append(c, ONE, placed(ONE, 6, audience="77")))
    assert news == (USER, 6)
    assert await follows(database, 5)


async def test_campaigns_stay_whole(database: Database) -> None:
    for _ in range(2):
        await prune_once(database, kind="user", keep_publications=1, keep_days=1, now_ms=100 * DAY_MS)
        await prune_once(database, kind="campaign", keep_publications=0, keep_days=0, now_ms=100 * DAY_MS)
    assert await left(database, CAMPAIGN) == [1000, 2000, 3000, 4000, 5000]
    assert await follows(database, 0, CAMPAIGN)


@pytest.mark.parametrize(
    ("kept", "now_ms"),
    [
        ({"keep_publications": 3, "keep_days": 0}, 100 * DAY_MS),
        ({"keep_publications": 0, "keep_days": 10}, 3000 + 10 * DAY_MS),  # seconds 1 and 2 are too long ago
        ({"keep_publications": 3, "keep_days": 50}, 3000 + 10 * DAY_MS),
    ],
)
async def test_campaigns_may_be_bounded_too(database: Database, kept: dict[str, int], now_ms: int) -> None:
    """Their offsets have holes: a client that has seen all that went misses nothing."""
    for _ in range(2):
        await prune_once(database, kind="campaign", **kept, now_ms=now_ms)
    assert await left(database, CAMPAIGN) == [3000, 4000, 5000]
    assert await follows(database, 2000, CAMPAIGN)
    assert not await follows(database, 1000, CAMPAIGN)
    assert await left(database) == [1, 2, 3, 4, 5]


async def test_more_than_a_batch_goes_in_several(database: Database) -> None:
    many = [placed(ONE, 6 + at // 900, at % 900, audience="77") for at in range(2 * BATCH + 7)]
    await database.write(lambda c: append(c, ONE, *many))
    for _ in range(2):
        await prune_once(database, **KEEP, now_ms=5000)
    assert await left(database) == [2 * BATCH + 10, 2 * BATCH + 11, 2 * BATCH + 12]


async def test_the_loop_prunes_by_itself(database: Database) -> None:
    async with supervised({"pruning": partial(prune, database, **KEEP, now_ms=lambda: 5000)}), asyncio.timeout(10):
        while await follows(database, 1):
            pass
