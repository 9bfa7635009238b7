"""Topics are made in turn, at a pace, and beside the flights: a burst leaks none of them and starves nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.config_sections import Topics
from bridge.publish.budgets import Budgets
from bridge.publish.ingest import Request
from bridge.publish.makers import Makers, TopicAwaited, Turnstile
from bridge.publish.outbox import EntryState
from bridge.supervise import supervised
from tests.bridge.publish.topic_counts import check_none_leaked, on_devnet, unready
from tests.footing import Clock, Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.errors import Unavailable
from topics.values import TopicId

REAL = Topics()
BURST = 500


@asynccontextmanager
async def throttled(tmp_path: Path, per_s: float) -> AsyncIterator[Terms]:
    """A devnet that takes so many topics a second, and BUSY beyond."""
    clock = Clock()
    settings = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, clock=clock, create_throttle_per_s=per_s)
    async with Devnet(settings) as devnet:
        yield Terms(tmp_path / "bridge.db", devnet, clock)


async def all_ready(rooms: Rooms) -> bool:
    return not await unready(rooms)


class Slow:
    """Makes topics when it is told to, or fails with what it was given (port: topics.creator.TopicSource)."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()
        self.failure: Exception | None = None

    async def create(self, ref: str) -> TopicId:
        self.begun.append(ref)
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return TopicId(0, 0, len(self.begun))


@asynccontextmanager
async def working(slow: Slow, *, max_creations: int = 1) -> AsyncIterator[tuple[Makers, list[str]]]:
    """Makers over `slow`, and whom they have woken."""
    woken: list[str] = []
    makers = Makers(Topics(max_creations=max_creations), slow, Turnstile(10_000))
    async with supervised({"makers": lambda: makers.run(woken.extend, lambda _: True)}):
        yield makers, woken


async def test_topics_are_made_in_turn_and_each_once_however_often_it_is_asked_for() -> None:
    slow = Slow()
    async with working(slow, max_creations=2) as (makers, woken):
        for ref in ("c1", "c2", "c3", "c1", "c3"):
            with pytest.raises(TopicAwaited):
                await makers.create(ref)
        await until(lambda: slow.begun == ["c1", "c2"])
        slow.go.set()
        await until(lambda: len(woken) == 3)
    assert (slow.begun, sorted(woken)) == (["c1", "c2", "c3"], ["c1", "c2", "c3"])


async def test_a_failure_is_told_to_who_asks_next_and_then_it_is_tried_again() -> None:
    slow = Slow()
    slow.failure = Unavailable("the network", "away")
    slow.go.set()
    async with working(slow) as (makers, woken):
        with pytest.raises(TopicAwaited):
            await makers.create("c1")
        await until(lambda: woken == ["c1"])
        with pytest.raises(Unavailable, match="away"):
            await makers.create("c1")
        slow.failure = None
        with pytest.raises(TopicAwaited):
            await makers.create("c1")
        await until(lambda: woken == ["c1", "c1"])


async def test_what_can_wait_comes_behind_every_campaign() -> None:
    slow = Slow()
    async with working(slow) as (makers, _):
        for ref in ("c1", "c2"):
            with pytest.raises(TopicAwaited):
                await makers.create(ref)
        spare = asyncio.create_task(makers.spare())
        await until(lambda: slow.begun == ["c1"])
        assert not spare.done()
        slow.go.set()
        await asyncio.wait_for(spare, 5)
        assert slow.begun == ["c1", "c2"]


async def test_a_drain_begins_no_topic() -> None:
    slow = Slow()
    async with working(slow) as (makers, woken):
        makers.drain()
        with pytest.raises(TopicAwaited):
            await makers.create("c1")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(makers.spare(), 0.05)
    assert (slow.begun, woken) == ([], [])


async def test_a_turnstile_lets_through_what_its_pace_allows() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(round(seconds, 3))

    turnstile = Turnstile(5, now_s=lambda: 100.0, sleep=sleep)
    for _ in range(4):
        await turnstile.enter()
    assert pauses == [0, 0.2, 0.4, 0.6]


async def test_who_waits_for_a_topic_takes_no_turn_from_who_has_one(terms: Terms) -> None:
    """One topic a second, and as many campaigns without one as there are turns, many times over."""
    async with rooms_on(terms, max_flights=2, topics=Topics(creations_per_s=1)) as rooms:
        await rooms.ingest.register("old", None)
        await rooms.carry("old")
        new = [f"c{number}" for number in range(60)]
        await rooms.ingest.accept([change(ref) for ref in new], Request("backend"))
        async with going(rooms, "submitter"):
            await until(lambda: len(on_devnet(rooms)) > 1)
            began = time.monotonic()
            for _ in range(3):
                ids = (await rooms.accept(change("old"))).ids
                await until(lambda ids=ids: all_submitted(rooms, ids))  # type: ignore[misc]
            assert time.monotonic() - began < 10
        assert len(await unready(rooms)) > 50


async def test_a_budget_that_stops_one_campaigns_topic_is_shown_and_holds_up_no_other(terms: Terms) -> None:
    budgets = Budgets(keys={"poor": 1})
    async with rooms_on(terms, budgets=budgets) as rooms, going(rooms, "submitter"):
        await rooms.accept(change("c1"), api_key="poor")
        await until(lambda: rooms.submitter.stopped("c1"))
        ids = (await rooms.accept(change("c2"), api_key="rich")).ids
        await until(lambda: all_submitted(rooms, ids))
        assert "API key poor" in str(rooms.submitter.stopped("c1"))
        assert len(on_devnet(rooms)) == 1


async def burst(terms: Terms, topics: Topics, *, campaigns: int, deadline_s: float) -> None:
    """New campaigns with an event each, all at once; a crash in the midst; then every one is there once."""
    refs = [f"c{number}" for number in range(campaigns)]
    async with rooms_on(terms, topics=topics) as rooms:
        accepted = await rooms.ingest.accept([change(ref) for ref in refs], Request("backend"))
        terms.devnet.faults.inject(Fault.BUSY, times=30)
        terms.devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT, times=20)
        async with going(rooms, "submitter"):
            await until(lambda: len(on_devnet(rooms)) >= campaigns // 3, deadline_s=deadline_s)
    async with rooms_on(terms, topics=topics) as rooms:
        terms.devnet.faults.inject(Fault.BUSY, times=60)
        async with going(rooms, "submitter"):
            await until(lambda: all_ready(rooms), deadline_s=deadline_s)
            await until(lambda: all_submitted(rooms, accepted.ids))
        assert len(on_devnet(rooms)) == campaigns
        await check_none_leaked(rooms)
        for ref in refs[:: campaigns // 10]:
            assert len(await rooms.on_ledger(ref)) == 1


async def all_submitted(rooms: Rooms, ids: tuple[bytes, ...]) -> bool:
    return all([await rooms.state(id_) is EntryState.SUBMITTED for id_ in ids])


async def test_a_burst_of_new_campaigns_under_busy_leaks_no_topic(tmp_path: Path) -> None:
    async with throttled(tmp_path, per_s=100) as terms:
        await burst(terms, Topics(creations_per_s=1000), campaigns=60, deadline_s=30)


@pytest.mark.long
async def test_a_burst_of_500_at_the_real_networks_pace(tmp_path: Path) -> None:
    async with throttled(tmp_path, per_s=REAL.creations_per_s) as terms:
        began = time.monotonic()
        await burst(terms, REAL, campaigns=BURST, deadline_s=300)
        assert time.monotonic() - began > 0.9 * BURST / REAL.creations_per_s


async def test_for_campaigns_of_others_none_is_begun_and_one_under_way_is_waited_for() -> None:
    slow, mine = Slow(), {"c1", "c2"}
    makers = Makers(Topics(max_creations=1), slow, Turnstile(10_000))
    woken: list[str] = []
    async with supervised({"makers": lambda: makers.run(woken.extend, mine.__contains__)}):
        for ref in ("c1", "c2"):
            with pytest.raises(TopicAwaited):
                await makers.create(ref)
        await until(lambda: slow.begun == ["c1"])
        mine.clear()
        leaving = asyncio.create_task(makers.left(mine.__contains__))
        await asyncio.sleep(0)
        assert not leaving.done()
        slow.go.set()
        await leaving
        await until(lambda: woken == ["c1", "c2"])
    assert slow.begun == ["c1"]


def test_the_pace_is_of_all_daemons_together() -> None:
    turnstile = Turnstile(4)
    turnstile.shared_by(2)
    assert [turnstile._pace.reserve(50.0) for _ in range(3)] == [0.0, 0.5, 1.0]
