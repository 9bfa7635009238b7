"""Budgets hold: what doesn't fit waits, in order, and goes on when there is room again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from bridge.errors import BudgetSpent, Unavailable
from bridge.publish import costs
from bridge.publish.budgets import Budgets, Scope
from bridge.publish.creations import Creations
from bridge.publish.ingest import Request
from bridge.publish.outbox import EntryState
from bridge.publish.purse import Purse
from bridge.publish.rates import Rates
from bridge.schema import reservations
from tests.bridge.publish.test_bookkeeper import paid, read
from tests.bridge.publish.test_carrier import loaded
from tests.footing import Terms
from tests.rooms import TOPIC_TERMS, Rooms, change, going, rooms_on, until
from topics import errors as hcs
from topics.devnet.faults import Fault

TOPIC = 16_808_333  # tinybar of a topic and its manifest, and a little
ROOM = TOPIC + 1_000_000


async def settled(rooms: Rooms, ref: str) -> None:
    await rooms.carry(ref)
    await rooms.inbound.round(rooms.sweep)


async def reserved(rooms: Rooms) -> dict[str, int]:
    found = await rooms.database.read(lambda c: [sum_ for scope in Scope for sum_ in costs.sums(c, scope)])
    return {sum_.name: sum_.reserved_tinybar for sum_ in found}


@pytest.mark.parametrize("signed", [True, False])
async def test_the_estimate_is_what_is_charged(terms: Terms, signed: bool) -> None:
    async with rooms_on(terms, budgets=Budgets(day=10**12), signed=signed) as rooms:
        for size in (1, 900, 5_000):
            await rooms.accept(change(text="x" * size))
            await rooms.carry("c1")
        found = await reserved(rooms)
        assert found["c1"] == found["backend"] == await paid(rooms)
        await rooms.inbound.round(rooms.sweep)
        assert set((await reserved(rooms)).values()) == {0}
        assert (
            await rooms.database.read(lambda c: c.execute(select(func.count()).select_from(reservations)).scalar()) == 0
        )
        assert (await read(rooms, Scope.CAMPAIGN))["c1"].tinybar == await paid(rooms)


async def test_a_campaigns_budget_stops_it_alone_and_a_raise_lets_it_go_on(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(campaign=ROOM)) as rooms:
        ids: list[bytes] = []
        with pytest.raises(BudgetSpent, match=r"budget of campaign c1: 0\.1.* of 0\.17808333 HBAR") as stopped:  # noqa: PT012
            for number in range(100):
                ids += (await rooms.accept(change(text=f"{number}" * 300))).ids
                await settled(rooms, "c1")
        assert stopped.value.hint == "raise budgets.campaign_hbar and reload"  # no day that turns helps it
        last_ns = rooms.ids._last_ns
        with pytest.raises(BudgetSpent):
            await rooms.carrier.advance("c1")
        assert rooms.ids._last_ns == last_ns  # to ask takes no id
        assert await paid(rooms) <= ROOM
        assert await rooms.state(ids[-1]) is EntryState.WAITING
        ids += (await rooms.accept(change())).ids  # still taken in
        await rooms.accept(change("c2"))
        await settled(rooms, "c2")
    async with rooms_on(terms, budgets=Budgets(campaign=2 * ROOM)) as rooms:
        await settled(rooms, "c1")
        assert [event.id for event in await rooms.on_ledger("c1")] == ids


async def test_the_day_turns(terms: Terms) -> None:
    tomorrow = datetime.fromtimestamp(terms.clock() / 1e9, UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    async with rooms_on(terms, budgets=Budgets(day=ROOM)) as rooms:
        await rooms.accept(change())
        await settled(rooms, "c1")
        await rooms.accept(change("c2"))
        with pytest.raises(BudgetSpent, match="budget of the day"):
            await rooms.carry("c2")
        terms.clock.forward(tomorrow.timestamp() + 1 - terms.clock() / 1e9)
        await settled(rooms, "c2")
        assert len(await read(rooms, Scope.DAY)) == 2


async def test_an_api_keys_budget_lets_others_pass_that_came_before(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(keys={"poor": 1})) as rooms:
        first = (await rooms.ingest.accept([change()], Request("rich"))).ids
        second = (await rooms.ingest.accept([change()], Request("poor"))).ids
        third = (await rooms.ingest.accept([change()], Request("rich"))).ids
        with pytest.raises(BudgetSpent, match=r"budget of API key poor: 0 of 0\.00000001 HBAR"):
            await settled(rooms, "c1")
        assert [event.id for event in await rooms.on_ledger("c1")] == list(first)
        for waiting in (*second, *third):  # order is kept, so what came behind waits too
            assert await rooms.state(waiting) is EntryState.WAITING
        await rooms.ingest.register("c2", None, api_key="poor")
        with pytest.raises(BudgetSpent, match="API key poor"):
            await rooms.carry("c2")
        assert await paid(rooms) < 2 * TOPIC  # no second topic was made


async def test_the_bridges_own_topic_is_no_campaign(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(campaign=1)) as rooms:
        ids = (await rooms.accept(change(None, user_id="7"))).ids
        await settled(rooms, "_account")
        assert await rooms.state(ids[0]) is EntryState.CONFIRMED


async def test_many_campaigns_at_once_do_not_overshoot(terms: Terms) -> None:
    budget = 4 * ROOM
    async with rooms_on(terms, budgets=Budgets(day=budget)) as rooms:
        for number in range(12):
            await rooms.accept(*(change(f"c{number}", text="x" * 500) for _ in range(20)))
        with capture_logs() as logs:
            async with going(rooms):
                await until(lambda: sum(rooms.submitter.stopped(f"c{n}") is not None for n in range(12)) >= 8)
                await asyncio.sleep(0.3)  # every stopped campaign tries again in this time
        assert len([entry for entry in logs if entry["event"].startswith("submission stopped")]) == 1
        assert 0 < await paid(rooms) <= budget


async def test_stopped_is_said_and_taken_back(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(day=ROOM)) as rooms, going(rooms):
        await rooms.accept(change())
        await rooms.accept(change("c2"))
        await until(lambda: rooms.submitter.stopped("c1") or rooms.submitter.stopped("c2"))
        terms.clock.forward(24 * 3600)
        await until(lambda: not rooms.submitter.stopped("c1") and not rooms.submitter.stopped("c2"))


async def test_an_id_that_never_ran_hands_its_reservation_on(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(day=10**12)) as rooms:
        await loaded(rooms)
        before = (await reserved(rooms))["c1"]
        terms.clock.forward(400)
        terms.devnet.faults.inject(Fault.RECEIPTS_EXPIRED, times=2)
        await until(lambda: _tried(rooms))
        assert (await reserved(rooms))["c1"] == before
        await rooms.inbound.round(rooms.sweep)
        assert (await read(rooms, Scope.CAMPAIGN))["c1"].tinybar == before
        assert (await reserved(rooms))["c1"] == 0


async def _tried(rooms: Rooms) -> bool:
    try:
        await rooms.carry("c1")
    except (Unavailable, hcs.Unavailable):  # the proof takes a look or two
        return False
    return True


async def test_without_a_rate_nothing_is_spent(rooms: Rooms) -> None:
    purse = Purse(Budgets(day=1), Rates(rooms.mirror).known, rooms.terms.clock.ms, terms=TOPIC_TERMS)
    creations = Creations(rooms.database, rooms.ids, valid_duration_s=120, purse=purse)
    await rooms.ingest.register("c1", None)
    with pytest.raises(Unavailable, match="exchange rate"):
        await creations.intent("c1")
    assert await paid(rooms) == 0
