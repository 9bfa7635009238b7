"""The books against the devnet: every tinybar that left the payer's account is on them, once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from bridge.errors import Unavailable as NotKnown
from bridge.publish import costs
from bridge.publish.bookkeeper import Bookkeeper
from bridge.publish.budgets import Budgets, Scope
from bridge.publish.costs import Sum
from bridge.publish.ingest import Request
from bridge.publish.rates import Rates
from bridge.schema import transactions
from tests.footing import Clock, Terms
from tests.rooms import Rooms, change, rooms_on, until
from topics.devnet.devnet import Devnet
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.errors import Unavailable
from topics.fees import ExchangeRate
from topics.mirror.sweep import Sweep
from topics.values import NANOS


async def read(rooms: Rooms, scope: Scope) -> dict[str, Sum]:
    return {found.name: found for found in await rooms.database.read(lambda c: costs.sums(c, scope))}


async def paid(rooms: Rooms) -> int:
    """What has left the payer's account."""
    return rooms.terms.devnet.settings.operator_balance_tinybar - await rooms.ledger.balance()


async def test_every_sum_is_what_left_the_account(rooms: Rooms) -> None:
    await rooms.ingest.register("c2", None, api_key="other")
    for campaign, key in (("c1", "backend"), ("c2", "other"), ("c1", "other")):
        await rooms.ingest.accept([change(campaign, text="x" * 2000)], Request(key))
    await rooms.carry("c1")
    await rooms.carry("c2")
    await rooms.inbound.round(rooms.sweep)
    whole = await paid(rooms)
    for scope in Scope:
        assert sum(found.tinybar for found in (await read(rooms, scope)).values()) == whole
    campaigns, keys = await read(rooms, Scope.CAMPAIGN), await read(rooms, Scope.KEY)
    assert (campaigns["c1"].events, campaigns["c2"].events) == (2, 1)
    assert (keys["backend"].events, keys["other"].events) == (1, 2)
    rate = await rooms.mirror.exchange_rate()
    assert abs(sum(found.tinycents for found in campaigns.values()) - rate.tinycents(whole)) < 20
    assert all(found.reserved_tinybar == 0 for found in campaigns.values())


async def test_events_share_their_flight_by_bytes_to_the_last_tinybar(rooms: Rooms) -> None:
    ids = (await rooms.accept(*(change(text="x" * length) for length in (1, 700, 1800)))).ids
    assert await rooms.database.read(lambda c: costs.of_event(c, ids[0])) is None
    await rooms.carry("c1")
    assert await rooms.database.read(lambda c: costs.of_event(c, ids[0])) is None  # not told yet
    await rooms.inbound.round(rooms.sweep)
    parts = [await rooms.database.read(lambda c, id_=id_: costs.of_event(c, id_)) for id_ in ids]  # type: ignore[misc]
    fees = select(transactions.c.fee_tinybar, transactions.c.flight_id).order_by(transactions.c.valid_start_ns)
    rows = (await rooms.database.read(lambda c: c.execute(fees).all()))[2:]  # without topic and manifest
    assert all(parts)
    amounts = [part.tinybar for part in parts if part]
    assert sum(amounts) == sum(row.fee_tinybar for row in rows)
    assert amounts == sorted(amounts)
    assert parts[0] is not None
    assert parts[0].rate == await rooms.mirror.exchange_rate()
    assert await rooms.database.read(lambda c: costs.of_event(c, b"unknown")) is None


async def test_what_is_swept_again_is_booked_once(rooms: Rooms) -> None:
    await rooms.accept(change(), change("c2"))
    await rooms.carry("c1")
    await rooms.carry("c2")
    await rooms.inbound.round(rooms.sweep)
    before = await read(rooms, Scope.DAY)
    again = Sweep(rooms.mirror, rooms.terms.devnet.operator_id, cursor_ns=rooms.terms.clock() - 60 * NANOS)
    await rooms.inbound.round(again)
    assert again.rows
    assert await read(rooms, Scope.DAY) == before


async def test_copies_that_ran_in_vain_are_on_the_bill(tmp_path: Path) -> None:
    """An acknowledgement is lost, the same id goes to the other node, and both copies reach consensus."""
    async with Devnet(DevnetSettings(consensus_delay_s=0.4, mirror_delay_s=0)) as devnet:
        devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT, node=next(iter(devnet.nodes)))
        async with rooms_on(Terms(tmp_path / "bridge.db", devnet, Clock())) as rooms:
            for campaign in ("c1", "c2"):  # the first try goes to the one node or to the other
                await rooms.accept(change(campaign))
                await rooms.carry(campaign)
            await until(lambda: _all_ran(rooms))
            await rooms.inbound.round(rooms.sweep)
            assert "DUPLICATE_TRANSACTION" in [row.result for row in rooms.sweep.rows]
            assert sum(found.tinybar for found in (await read(rooms, Scope.DAY)).values()) == await paid(rooms)


async def _all_ran(rooms: Rooms) -> bool:
    """Whether nothing of the payer's is on its way any more."""
    latest = await rooms.mirror.latest_consensus_ns()
    return latest > 0 and not rooms.terms.devnet.network._waiting


async def test_a_booking_without_a_rate_comes_later(rooms: Rooms) -> None:
    class Silent:
        rate: ExchangeRate | None = None

        async def exchange_rate(self) -> ExchangeRate:
            if self.rate is None:
                raise Unavailable("mirror", "away")
            return self.rate

    source = Silent()
    keeper = Bookkeeper(rooms.database, rooms.mirror, Rates(source), budgets=Budgets(), now_s=lambda: 0.0)
    await rooms.accept(change())
    await rooms.carry("c1")
    await rooms.sweep.moved()
    with pytest.raises(NotKnown):
        await keeper.book(rooms.sweep.rows)
    source.rate = ExchangeRate(1, 12)
    await keeper.book(rooms.sweep.rows)
    assert sum(found.tinybar for found in (await read(rooms, Scope.DAY)).values()) == await paid(rooms)


async def test_a_creation_that_nobody_told_of_is_looked_up_in_time(rooms: Rooms) -> None:
    """The topic stands, and the process has died before its manifest left."""
    await rooms.ingest.register("c1", None, api_key="backend")
    await rooms.carrier.creator.create("c1")
    await rooms.inbound.round(rooms.sweep)
    assert (await read(rooms, Scope.KEY))["backend"].tinybar == await paid(rooms) > 0


async def test_the_warning_comes_once_as_the_budget_is_crossed(terms: Terms) -> None:
    limit = Budgets(day=80_000_000)  # 0.096 USD: four topics are over 80 %
    async with rooms_on(terms, budgets=limit) as rooms:
        with capture_logs() as logs:
            for number in range(4):
                await rooms.accept(change(f"c{number}"))
                await rooms.carry(f"c{number}")
                await rooms.inbound.round(rooms.sweep)
    told = [entry for entry in logs if entry["event"] == "budget nearly spent"]
    assert len(told) == 1
    assert told[0]["budget"].startswith("budget of the day")
    assert told[0]["limit_hbar"] == "0.8"
