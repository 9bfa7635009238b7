"""The directory lists each campaign's topic, nothing takes it for a campaign's, and what it costs is on the books."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from structlog.testing import capture_logs

from bridge import offline
from bridge.errors import BudgetSpent
from bridge.publish import costs
from bridge.publish.budgets import Budgets, Scope
from bridge.publish.directory import DIRECTORY, listed_in, listings, take_up
from bridge.publish.obstacles import obstacles
from bridge.schema import listed, registry
from bridge.supervise import supervised
from tests.bridge.publish.listing import advanced, campaigns, directory_of, shown
from tests.bridge.publish.topic_counts import on_devnet
from tests.footing import Terms
from tests.rooms import Rooms, going, rooms_on, until
from topics.devnet.faults import Fault, Field
from topics.devnet.settings import HBAR
from topics.errors import RunningHashMismatch


async def paid(rooms: Rooms) -> int:
    """What has left the payer's account."""
    return rooms.terms.devnet.settings.operator_balance_tinybar - await rooms.ledger.balance()


async def test_every_campaigns_topic_is_listed_once_and_new_ones_follow(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        first = await campaigns(rooms, "c1", "c2", "c3")
        async with supervised({"directory": rooms.directory.run}):

            async def all_listed() -> bool:
                return {each.status for each in await rooms.database.read(listings)} == {
                    "the directory itself",
                    "listed",
                }

            await until(all_listed)
        assert sorted(await shown(rooms)) == sorted(first)
        await advanced(rooms)
        new = await campaigns(rooms, "c4")
        await advanced(rooms)
        await advanced(rooms)
        assert (await shown(rooms))[3:] == new
        assert on_devnet(rooms) == {*first, *new, await directory_of(rooms)}


async def test_no_directory_is_made_before_there_is_something_to_list(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        await advanced(rooms)
        assert on_devnet(rooms) == set()


async def test_a_topic_whose_manifest_is_missing_waits(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        await rooms.ingest.register("c1", None)
        topic_id = await rooms.creator.create("c1")
        await advanced(rooms)
        assert on_devnet(rooms) == {topic_id}
        assert [each.status for each in await rooms.database.read(listings)] == ["not listed yet"]


async def test_neither_the_relay_nor_a_list_takes_it_for_a_campaigns(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        [topic_id] = await campaigns(rooms, "c1")
        await advanced(rooms)
        directory = await directory_of(rooms)
        with capture_logs() as logs:
            async with going(rooms, "inbound"):
                await until(lambda: rooms.news)
                await rooms.inbound.round(rooms.sweep)
        assert [log for log in logs if log["log_level"] in {"warning", "error"}] == []
        assert [each.ref for each in await rooms.database.read(lambda c: list(registry.all(c)))] == ["c1"]
        assert await rooms.database.read(lambda c: registry.by_topic(c, directory)) is None
        assert await rooms.database.read(lambda c: offline.campaign_view(c, DIRECTORY)) is None
        assert await rooms.database.read(registry.refs_unready) == []
        assert await rooms.database.read(lambda c: obstacles(c, ["c1"])) == {"c1": []}
        assert await rooms.inbound.position(directory) is None
        assert await shown(rooms) == [topic_id]


async def bills(rooms: Rooms, scope: Scope) -> dict[str, costs.Sum]:
    return {found.name: found for found in await rooms.database.read(lambda c: costs.sums(c, scope))}


async def test_what_it_costs_is_booked_to_the_tinybar_on_no_campaign_and_nobodys_key(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(campaign=HBAR, day=100 * HBAR, keys={"backend": HBAR})) as rooms:
        await campaigns(rooms, "c1", "c2")
        before = await paid(rooms)
        await advanced(rooms)
        cost = await paid(rooms) - before
        reserved = (await bills(rooms, Scope.CAMPAIGN))[DIRECTORY]
        assert reserved.tinybar == 0 < reserved.reserved_tinybar
        for _ in range(2):  # the creation, which no sweep shows, is looked up when nothing else is to be booked
            await rooms.inbound.round(rooms.sweep)
        booked = (await bills(rooms, Scope.CAMPAIGN))[DIRECTORY]
        assert (booked.tinybar, booked.reserved_tinybar, booked.transactions, booked.events) == (cost, 0, 3, 0)
        assert (await bills(rooms, Scope.KEY))[costs.NOBODY].tinybar == cost
        assert sum(found.tinybar for found in (await bills(rooms, Scope.DAY)).values()) == await paid(rooms)


async def test_the_days_budget_stops_it_and_it_goes_on_when_there_is_room(terms: Terms) -> None:
    async with rooms_on(terms, budgets=Budgets(day=100 * HBAR)) as rooms:
        topic_ids = await campaigns(rooms, "c1")
        await advanced(rooms)
        topic_ids += await campaigns(rooms, "c2")
        rooms.loader.purse.budgets.reconfigure(Budgets(day=1))
        stopped = await rooms.directory.advance()
        assert isinstance(stopped, BudgetSpent)
        assert "budget of the day" in stopped.reason
        assert len(await shown(rooms)) == 1
        rooms.loader.purse.budgets.reconfigure(Budgets(day=100 * HBAR))
        await advanced(rooms)
        assert await shown(rooms) == topic_ids


async def test_what_the_ledger_lists_is_read_once_each_and_not_listed_again(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        topic_ids = await campaigns(rooms, "c1", "c2")
        await advanced(rooms)
        directory = await directory_of(rooms)
        assert sorted(await listed_in(rooms.mirror, directory)) == sorted(topic_ids)

        def forget(connection: Connection) -> None:
            connection.execute(listed.delete())
            take_up(connection, directory, topic_ids, now_ms=1)

        await rooms.database.write(forget)
        topic_ids += await campaigns(rooms, "c3")
        await advanced(rooms)
        assert (await shown(rooms))[2:] == topic_ids[2:]


async def test_a_directory_that_a_mirror_alters_is_not_believed(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        await campaigns(rooms, "c1")
        await advanced(rooms)
        directory = await directory_of(rooms)
        terms.devnet.faults.inject(Fault.MESSAGE_ALTERED, topic=directory, sequence=1, field=Field.MESSAGE)
        with pytest.raises(RunningHashMismatch):
            await listed_in(rooms.mirror, directory)
