"""The network fails in its own ways: each accepted event still reaches consensus once, in order."""

from __future__ import annotations

import asyncio

import pytest

from bridge.publish.outbox import EntryState
from tests.footing import Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.devnet.faults import Fault
from topics.errors import Unavailable

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
    faults = rooms.terms.devnet.faults
    async with going(rooms, "submitter"):
        faults.inject(fault, times=3)
        ids = await publish(rooms, 1)
        faults.inject(fault, times=5)
        more = await publish(rooms, 3)
        for ref in CAMPAIGNS:
            ids[ref] += more[ref]
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


async def lost(rooms: Rooms) -> bytes:
    """An event of c1 whose flight no node got, long ago; the payer has done nothing since."""
    await rooms.accept(change())
    await rooms.carry("c1")
    [id_] = (await rooms.accept(change(n="2"))).ids
    rooms.terms.devnet.faults.inject(Fault.NODE_DOWN)
    with pytest.raises(Unavailable):
        await rooms.carrier.advance("c1")
    rooms.terms.devnet.faults.clear()
    rooms.terms.clock.forward(300)
    return id_


async def test_for_an_idle_payer_two_nodes_prove_that_it_never_ran(rooms: Rooms) -> None:
    """The mirror lists nothing behind the window, and the topic still ends with our last message."""
    id_ = await lost(rooms)
    await rooms.carry("c1")
    assert [event.id for event in await rooms.on_ledger("c1")][1:] == [id_]


async def test_for_an_idle_payer_one_node_alone_proves_nothing_but_leaves_a_trace(rooms: Rooms) -> None:
    """Its answer was paid for, and the mirror shows the payment past the window: that is the proof."""
    id_ = await lost(rooms)
    rooms.terms.devnet.faults.inject(Fault.NODE_DOWN, node=next(iter(rooms.terms.devnet.nodes)))
    await rooms.carry("c1")
    assert [event.id for event in await rooms.on_ledger("c1")][1:] == [id_]
