"""The network fails in its own ways: each accepted event still reaches consensus once, in order."""

from __future__ import annotations

import asyncio

import pytest

from bridge.publish.outbox import EntryState
from tests.rooms import Rooms, Terms, change, going, rooms_on, until
from topics.devnet.faults import Fault
from topics.errors import Unavailable
from topics.settlement import NeverRan

CAMPAIGNS = ("c1", "c2", "c3")


async def publish(rooms: Rooms, rounds: int = 4) -> dict[str, list[bytes]]:
    """Events of several campaigns, one request each."""
    ids: dict[str, list[bytes]] = {ref: [] for ref in CAMPAIGNS}
    for n in range(rounds):
        for ref in CAMPAIGNS:
            ids[ref] += (await rooms.accept(change(ref, n=str(n)), change(ref, text="x" * 700 * n))).ids
        await asyncio.sleep(0.02)
    return ids


async def all_arrive_once(rooms: Rooms, ids: dict[str, list[bytes]]) -> None:
    async def settled() -> bool:
        return {await rooms.state(id_) for each in ids.values() for id_ in each} == {EntryState.SUBMITTED}

    await until(settled)
    for ref in CAMPAIGNS:
        assert [event.id for event in await rooms.on_ledger(ref)] == ids[ref]


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST_ACKNOWLEDGEMENT])
async def test_a_fault_now_and_then(rooms: Rooms, fault: Fault) -> None:
    async with going(rooms, "submitter"):
        for times in (1, 7, 2):
            rooms.terms.devnet.faults.inject(fault, times=times)
            ids = await publish(rooms, 1)
            rooms.terms.devnet.faults.inject(fault, times=times)
            more = await publish(rooms, 2)
            for ref in CAMPAIGNS:
                ids[ref] += more[ref]
            break
        await all_arrive_once(rooms, ids)


async def test_one_node_is_down(rooms: Rooms) -> None:
    rooms.terms.devnet.faults.inject(Fault.NODE_DOWN, node=next(iter(rooms.terms.devnet.nodes)))
    async with going(rooms, "submitter"):
        await all_arrive_once(rooms, await publish(rooms))


async def test_everything_is_down_for_a_while(rooms: Rooms) -> None:
    faults = rooms.terms.devnet.faults
    async with going(rooms, "submitter"):
        before = await publish(rooms, 1)
        faults.inject(Fault.NODE_DOWN)
        during = await publish(rooms, 2)
        await asyncio.sleep(0.2)
        faults.clear()
        await all_arrive_once(rooms, {ref: before[ref] + during[ref] for ref in CAMPAIGNS})


async def test_every_acknowledgement_is_lost_for_a_while(rooms: Rooms) -> None:
    faults = rooms.terms.devnet.faults
    faults.inject(Fault.LOST_ACKNOWLEDGEMENT)
    async with going(rooms, "submitter"):
        ids = await publish(rooms, 2)
        await asyncio.sleep(0.3)
        faults.clear()
        await all_arrive_once(rooms, ids)
    assert len(rooms.terms.devnet.network.state.topics) == len(CAMPAIGNS)


async def test_a_lost_acknowledgement_then_no_node_until_the_window_is_over(terms: Terms) -> None:
    """The copy that nobody acknowledged did run; only the mirror remembers."""
    async with rooms_on(terms) as rooms:
        await rooms.accept(change())
        await rooms.carry("c1")
        [id_] = (await rooms.accept(change(n="2"))).ids
        terms.devnet.faults.inject(Fault.LOST_ACKNOWLEDGEMENT, times=1)
        with pytest.raises(Unavailable):
            await _without_nodes(rooms)
        terms.devnet.faults.clear()
        terms.clock.forward(300)
        await rooms.carry("c1")
        assert [event.id for event in await rooms.on_ledger("c1")][1:] == [id_]


async def _without_nodes(rooms: Rooms) -> None:
    faults = rooms.terms.devnet.faults

    async def down() -> None:
        while faults.strikes(Fault.LOST_ACKNOWLEDGEMENT):  # puts back what it takes
            faults.inject(Fault.LOST_ACKNOWLEDGEMENT, times=1)
            await asyncio.sleep(0)
        faults.inject(Fault.NODE_DOWN)

    watching = asyncio.ensure_future(down())
    try:
        await rooms.carrier.advance("c1")
    finally:
        await watching


async def test_the_mirror_is_away_when_it_has_to_decide(terms: Terms) -> None:
    """Nothing is proven then, so nothing is sent under another id."""
    async with rooms_on(terms) as rooms:
        await rooms.accept(change())
        await rooms.carry("c1")
        [id_] = (await rooms.accept(change(n="2"))).ids
        terms.devnet.faults.inject(Fault.NODE_DOWN)
        with pytest.raises(Unavailable):
            await rooms.carrier.advance("c1")
        terms.devnet.faults.clear()
        terms.clock.forward(300)
        terms.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
        with pytest.raises(Unavailable):
            await rooms.carrier.advance("c1")
        assert await rooms.state(id_) is EntryState.FLYING
        terms.devnet.faults.clear()
        await rooms.carry("c1")
        assert [event.id for event in await rooms.on_ledger("c1")][1:] == [id_]


def test_never_ran_is_not_an_answer_that_is_retried() -> None:
    assert not issubclass(NeverRan, Unavailable)
