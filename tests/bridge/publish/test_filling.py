"""The pool is kept full: behind the campaigns, within the budgets, and over crashes without a topic too many."""

from __future__ import annotations

from typing import Any, cast

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bridge.config_sections import Topics
from bridge.publish import costs
from bridge.publish.budgets import Budgets, Scope
from bridge.publish.filling import Filling
from bridge.publish.ingest import Request
from bridge.publish.makers import Makers, Turnstile
from bridge.publish.pool import POOL, Pool, PoolIntents
from bridge.publish.purse import Purse
from bridge.supervise import supervised
from tests.bridge.publish.killing import Axe, Killed, _Under
from tests.bridge.publish.topic_counts import check_none_leaked, in_pool, of_campaigns, on_devnet, unready
from tests.footing import Terms
from tests.rooms import TOPIC_TERMS, WINDOW_S, Rooms, change, going, rooms_on, until
from topics.creator import Creator
from topics.devnet.faults import Fault
from topics.devnet.settings import HBAR
from topics.ledger.operator_key import OperatorKey
from topics.settlement import Sources


async def filled(rooms: Rooms, size: int) -> None:
    async def is_full() -> bool:
        return len(await in_pool(rooms)) == size

    async with going(rooms, "filling"):
        await until(is_full)


def sized(size: int) -> Topics:
    return Topics(pool_size=size, creations_per_s=10_000)


async def test_none_are_made_ahead_unless_asked_for(terms: Terms) -> None:
    async with rooms_on(terms) as rooms, going(rooms, "filling", "submitter"):
        await rooms.accept(change())
        await until(lambda: on_devnet(rooms))
        assert await in_pool(rooms) == []


async def test_what_was_taken_is_made_anew(terms: Terms) -> None:
    async with rooms_on(terms, topics=sized(3)) as rooms:
        await filled(rooms, 3)
        ready = await in_pool(rooms)
        await rooms.ingest.register("c1", None)
        assert [await rooms.topic("c1")] == ready[:1]
        await filled(rooms, 3)
        assert len(on_devnet(rooms)) == 4
        await check_none_leaked(rooms)


async def test_campaigns_come_first(terms: Terms) -> None:
    async with rooms_on(terms, topics=Topics(pool_size=5, creations_per_s=50, max_creations=4)) as rooms:
        await rooms.ingest.accept([change(f"c{number}") for number in range(20)], Request("backend"))

        async def all_there() -> bool:
            return not await unready(rooms) and len(await in_pool(rooms)) == 5

        async with going(rooms, "submitter"):
            await until(lambda: on_devnet(rooms))
            async with going(rooms, "filling"):
                await until(all_there)
        first = min(topic_id.num for topic_id in await in_pool(rooms))
        behind = [topic_id for topic_id in await of_campaigns(rooms) if topic_id.num > first]
        assert len(behind) <= 4  # of those that were being made already


async def test_a_pool_that_cant_be_filled_is_told_and_goes_on(terms: Terms) -> None:
    terms.devnet.faults.inject(Fault.NODE_DOWN)
    with capture_logs() as logs:
        async with rooms_on(terms, topics=sized(2)) as rooms, going(rooms, "filling"):
            await until(lambda: any(log["event"].startswith("pool of topics not filled") for log in logs))
            terms.devnet.faults.clear()

            async def is_full() -> bool:
                return len(await in_pool(rooms)) == 2

            await until(is_full)
            await check_none_leaked(rooms)


async def test_the_days_budget_stops_it_and_it_is_on_nobodys_bill(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(day=1, keys={"backend": HBAR}), topics=sized(2)) as rooms:
        with capture_logs() as logs:
            async with going(rooms, "filling"):
                await until(lambda: any("budget of the day" in log.get("reason", "") for log in logs))
        assert on_devnet(rooms) == set()
    async with rooms_on(terms, budgets=Budgets(day=100 * HBAR, keys={"backend": 1}), topics=sized(2)) as rooms:
        await filled(rooms, 2)
        by_campaign, by_key = await rooms.database.read(_reserved)
        assert set(by_campaign) == {POOL}
        assert set(by_key) == {costs.NOBODY}
        assert by_campaign[POOL] > 0


def _reserved(connection: Connection) -> tuple[dict[str, int], dict[str, int]]:
    scopes = (Scope.CAMPAIGN, Scope.KEY)
    [by_campaign, by_key] = [
        {found.name: found.reserved_tinybar for found in costs.sums(connection, scope)} for scope in scopes
    ]
    return by_campaign, by_key


async def test_topics_of_other_terms_are_told_and_stay(terms: Terms) -> None:
    async with rooms_on(terms, topics=sized(2)) as rooms:
        await filled(rooms, 2)
        makers = Makers(sized(0), rooms.creator, Turnstile(1))
        of_others = Filling(
            sized(0), rooms.database, Pool(b"another hash"), source=rooms.creator, makers=makers, retry_s=1
        )
        with capture_logs() as logs:
            async with supervised({"filling": of_others.run}):
                await until(lambda: logs)
        assert logs[0]["topics"] == 2
        await check_none_leaked(rooms)


@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_at_any_step_leaks_no_topic(terms: Terms, after: bool) -> None:
    """Steps: intent, sending, receipt, and that it is kept."""
    for step in range(1, 5):
        axe = Axe(step, after)
        async with rooms_on(terms) as rooms:
            with pytest.raises(Killed):
                await creator_under(axe, rooms).create(str(100 + step))
        async with rooms_on(terms, topics=sized(step)) as rooms:
            await filled(rooms, step)
            assert len(on_devnet(rooms)) == step
            await check_none_leaked(rooms)


def creator_under(axe: Axe, rooms: Rooms) -> Creator:
    database = cast("Any", _Under(axe, rooms.database, "write"))
    ledger = cast("Any", _Under(axe, rooms.ledger, "create_topic", "receipt"))
    pool = Pool.of(TOPIC_TERMS, OperatorKey.parse(rooms.terms.devnet.operator_key).public_bytes)
    intents = PoolIntents(database, rooms.ids, pool, valid_duration_s=WINDOW_S, purse=Purse())
    sources = Sources(ledger, rooms.mirror, rooms.ids.network.now_ns)
    return Creator(TOPIC_TERMS, intents, sources=sources, witness=rooms.ledger)
