"""Where the sweep begins when shards come and go: nothing is left out, and nobody moves what is no longer his."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import cast

import pytest
from sqlalchemy import Connection

from bridge import shards
from bridge.config_sections import Lease
from bridge.database import Database
from bridge.leases import Leases, Sharing
from bridge.relay.reach import Reach
from bridge.shards import SHARDS
from tests.footing import database_at
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.values import AccountId


class Clock:
    """The database's."""

    ms = 1_700_000_000_000

    def __call__(self, _connection: Connection) -> int:
        return self.ms


async def nothing() -> None:
    pass


ALONE = Sharing(nothing, [], lambda _: None)


@pytest.fixture
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    async with database_at(tmp_path_factory.mktemp("reach") / "b.db") as database:
        await database.write(lambda c: shards.keep_cursor(c, 500))
        yield database


def daemon(clock: Clock, number: int) -> Leases:
    return Leases(Lease(ttl_s=6.0), clock, number=number, carries=True)


def sweep_at(cursor_ns: int) -> Sweep:
    return Sweep(cast("Mirror", None), AccountId(0, 0, 2), cursor_ns=cursor_ns)  # it asks no mirror here


async def cursors(database: Database) -> set[int]:
    return set((await database.read(lambda c: shards.cursors_of(c, range(SHARDS)))).values())


async def test_a_round_moves_the_cursors_of_all_that_was_read(database: Database) -> None:
    leases = daemon(Clock(), 1)
    await leases.look(database, ALONE)
    reach, sweep = Reach(database, leases), sweep_at(900)
    await reach.begin(sweep)
    assert (sweep.cursor_ns, reach.has_first) == (500, True)
    await reach.end(800)
    assert await cursors(database) == {800}


async def test_what_another_left_behind_is_swept_from_where_it_had_come_to(database: Database) -> None:
    clock = Clock()
    first, second = daemon(clock, 1), daemon(clock, 2)
    for each in (first, second, first, second):
        await each.look(database, ALONE)
    mine, theirs = Reach(database, first), Reach(database, second)
    ahead = sweep_at(500)
    await mine.begin(ahead)
    await mine.end(700)
    ahead.back_to(500)
    ahead.commit(700)
    assert await cursors(database) == {500, 700}
    for ms in (3_999, 1):  # the second is gone
        clock.ms += ms
        await first.look(database, ALONE)
    await mine.begin(ahead)
    assert ahead.cursor_ns == 500
    assert not theirs.has_first


async def test_what_was_given_away_or_lowered_meanwhile_is_not_moved(database: Database) -> None:
    clock = Clock()
    first, second = daemon(clock, 1), daemon(clock, 2)
    await first.look(database, ALONE)
    reach, sweep = Reach(database, first), sweep_at(500)
    await reach.begin(sweep)
    for each in (second, first):
        await each.look(database, ALONE)
    given = set(range(SHARDS)) - first.mine().keys()
    await database.write(lambda c: shards.move_cursors(c, {0: 500}, 400))  # a topic there is to be read again
    await reach.end(800)
    assert await database.read(lambda c: shards.cursors_of(c, given)) == dict.fromkeys(given, 500)
    assert await database.read(lambda c: shards.cursors_of(c, [0, 1])) == {0: 400, 1: 800}


@pytest.mark.parametrize(("read_all_the_same", "swept_from"), [(True, 800), (False, 300)])
async def test_a_lowered_cursor_is_swept_again_unless_its_topic_is_read_all_the_same(
    database: Database, read_all_the_same: bool, swept_from: int
) -> None:
    leases = daemon(Clock(), 1)
    await leases.look(database, ALONE)
    reach, sweep = Reach(database, leases), sweep_at(500)
    await reach.begin(sweep)
    await reach.end(800)
    sweep.commit(800)
    await database.write(lambda c: shards.lower_cursor(c, 300))
    if read_all_the_same:
        reach.lowered()
    await reach.begin(sweep)
    assert sweep.cursor_ns == swept_from
    await reach.end(900)
    assert await cursors(database) == {900}
