"""Whose the campaigns are: shared out, taken over when their time is over, and never in two hands."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from bridge import settings, shards
from bridge.config_sections import Lease
from bridge.database import Database
from bridge.errors import LeasesLost
from bridge.leases import FIRST, Daemons, Leases, Sharing
from bridge.schema import tenures
from bridge.shards import SHARDS
from tests.footing import database_at

TTL_S = 6.0  # looks are a second apart, and leases last for four
NOON_MS = 1_700_000_000_000


@dataclass
class Clock:
    """The database's."""

    ms: int = NOON_MS

    def __call__(self, _connection: Connection) -> int:
        return self.ms


@dataclass
class Told:
    """What a daemon hears of its leases; `busy`: something is under way."""

    gained: int = 0
    parts: list[int] = field(default_factory=list)
    busy: bool = False

    def sharing(self) -> Sharing:
        async def more() -> None:
            self.gained += 1

        async def left() -> None:
            if self.busy:
                raise TimeoutError

        return Sharing(more, [left], lambda found: self.parts.append(found.carrying))


class Daemon(Leases):
    """One of several on the database, looking when it is told to."""

    def __init__(self, database: Database, clock: Clock, number: int, *, carries: bool = True) -> None:
        super().__init__(Lease(ttl_s=TTL_S), clock, number=number, carries=carries)
        self.database = database
        self.told = Told()

    async def looks(self) -> None:
        await self.look(self.database, self.told.sharing())


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with database_at(tmp_path / "b.db") as database:
        yield database


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def all_look(daemons: Sequence[Daemon], times: int = 1) -> None:
    for _ in range(times):
        for daemon in daemons:
            await daemon.looks()


async def outlives(daemon: Daemon, clock: Clock) -> None:
    """It goes on looking, and nobody else does, for as long as leases last."""
    clock.ms += 3_999
    await daemon.looks()
    clock.ms += 1
    await daemon.looks()


async def test_one_has_all_and_two_have_half_each(database: Database, clock: Clock) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    await first.looks()
    assert (len(first.mine()), first.told.gained) == (SHARDS, 1)
    await all_look([second, first, second])
    assert (len(first.mine()), len(second.mine())) == (SHARDS // 2, SHARDS // 2)
    assert first.mine().keys() & second.mine().keys() == set()
    assert FIRST in first.mine()
    assert (first.told.parts, second.told.parts, second.told.gained) == ([2], [2], 1)
    campaign = next(ref for ref in map(str, range(1000)) if shards.shard_of(ref) in second.mine())
    assert (first.is_mine(campaign), second.is_mine(campaign)) == (False, True)


async def test_who_is_gone_is_succeeded_when_its_time_is_over_not_before(database: Database, clock: Clock) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    await all_look([first, second, first, second])
    clock.ms += 3_999
    await second.looks()
    assert len(second.mine()) == SHARDS // 2
    clock.ms += 1
    await second.looks()
    assert (len(second.mine()), second.told.parts) == (SHARDS, [2, 1])


async def test_who_was_stopped_meanwhile_changes_nothing(database: Database, clock: Clock) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    await all_look([first, second, first, second])
    database.guard(first.refuse_lost)
    await database.write(lambda c: settings.keep(c, "written", "by the first"))
    database.guard(second.refuse_lost)
    await outlives(second, clock)
    database.guard(first.refuse_lost)
    with pytest.raises(LeasesLost, match=r"daemon\.number 1") as refused:
        await database.write(lambda c: settings.keep(c, "written", "behind its back"))
    assert "start it again" in refused.value.hint
    with pytest.raises(LeasesLost):
        await first.looks()
    assert await database.read(lambda c: settings.found(c, "written")) == "by the first"


async def test_a_database_that_was_away_longer_than_leases_last_costs_nobody_theirs(
    database: Database, clock: Clock
) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    await all_look([first, second, first, second])
    before = first.mine(), second.mine()
    clock.ms += 60_000
    await all_look([first, second, first, second])
    assert (first.mine(), second.mine()) == before
    assert (first.told.parts, second.told.parts) == ([2], [2])
    clock.ms += 60_000  # this time the second doesn't come back
    await all_look([first, first])
    assert len(first.mine()) == SHARDS


async def test_who_only_keeps_a_door_counts_for_what_all_share_and_knows_when_nobody_carries(
    database: Database, clock: Clock
) -> None:
    door, carrier = Daemon(database, clock, 1, carries=False), Daemon(database, clock, 2)
    await door.looks()
    assert (door.daemons.there, door.daemons.carrying) == (1, 0)
    await all_look([carrier, door])
    assert door.daemons == carrier.daemons == Daemons(there=2, carrying=1)
    assert (len(door.mine()), len(carrier.mine())) == (0, SHARDS)


async def test_who_comes_back_under_its_number_needs_no_patience(database: Database, clock: Clock) -> None:
    before = Daemon(database, clock, 1)
    await before.looks()
    again = Daemon(database, clock, 1)
    await again.looks()
    assert again.mine() == {shard: fence + 1 for shard, fence in before.mine().items()}


async def test_nothing_is_given_away_while_it_is_under_way(database: Database, clock: Clock) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    await first.looks()
    first.told.busy = True
    await all_look([second, first, second])
    assert (len(first.mine()), len(second.mine())) == (SHARDS // 2, 0)  # nothing is begun there any more
    first.told.busy = False
    await all_look([first, second])
    assert (len(first.mine()), len(second.mine())) == (SHARDS // 2, SHARDS // 2)


async def test_who_ends_leaves_everything_at_once(database: Database, clock: Clock) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    await all_look([first, second, first, second])
    await database.write(first.leave)
    await second.looks()
    assert len(second.mine()) == SHARDS


async def test_one_of_them_does_what_only_one_may(database: Database, clock: Clock) -> None:
    first, second = (Daemon(database, clock, number) for number in (1, 2))
    done: list[int] = []

    async def loop(number: int) -> None:
        done.append(number)

    tasks = [asyncio.create_task(each.as_first(partial(loop, number))) for number, each in enumerate((first, second))]
    await all_look([first, second, first, second])
    await tasks[0]
    assert done == [0]
    await outlives(second, clock)
    await tasks[1]
    assert done == [0, 1]


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_happens_no_shard_is_in_two_hands(database: Database, clock: Clock, seed: int) -> None:
    """Four daemons look, stand still, are killed and come back in any order; the database's own record is judged."""
    draw = random.Random(seed)  # noqa: S311 # the same run again
    daemons = {number: Daemon(database, clock, number) for number in range(4)}
    for _ in range(60):
        number = draw.choice([*daemons])
        match draw.choices(["look", "pause", "killed", "ended"], [8, 3, 1, 1])[0]:
            case "look":
                try:
                    await database.write(daemons[number].refuse_lost)
                    await daemons[number].looks()
                except LeasesLost:  # as a daemon ends, and is started again
                    daemons[number] = Daemon(database, clock, number)
            case "pause":
                clock.ms += draw.randrange(3_000)
            case "killed":
                daemons[number] = Daemon(database, clock, number)
            case "ended":
                with suppress(LeasesLost):
                    await database.write(daemons[number].leave)
                daemons[number] = Daemon(database, clock, number)
        assert await database.read(held_twice) == []


def held_twice(connection: Connection) -> list[int]:
    """Shards whose record shows a tenure that began before the one before it had ended, or two under one fence."""
    rows = connection.execute(select(tenures).order_by(tenures.c.shard, tenures.c.fence)).all()
    return [
        later.shard
        for earlier, later in pairwise(rows)
        if earlier.shard == later.shard
        and (earlier.ended_ms is None or earlier.ended_ms > later.since_ms or earlier.fence + 1 != later.fence)
    ]


async def test_what_is_remembered_of_tenures_is_bounded(database: Database, clock: Clock) -> None:
    for _ in range(30):
        await Daemon(database, clock, 1).looks()
    kept = await database.read(lambda c: c.execute(select(tenures.c.fence).where(tenures.c.shard == 5)).scalars().all())
    assert sorted(kept) == list(range(11, 31))
