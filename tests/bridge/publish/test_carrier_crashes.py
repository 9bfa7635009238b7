"""The carrier is killed before and after each of its steps: what was accepted reaches consensus once, in order."""

from __future__ import annotations

import pytest

from bridge.publish.outbox import EntryState
from tests.bridge.publish.killing import Axe, Killed, under
from tests.footing import Terms
from tests.rooms import Rooms, change, rooms_on

LONG = "x" * 3_000  # a frame of four chunks, of which the second and the third go together


async def accept(rooms: Rooms, ref: str) -> list[bytes]:
    """Two events whose frames go one after the other, the second chunked."""
    changes = (change(ref, n="1"), change(ref, text=LONG))
    return [id_ for each in changes for id_ in (await rooms.accept(each)).ids]


async def carry(rooms: Rooms, ref: str, axe: Axe) -> bool:
    """Whether all of it went through before the axe fell."""
    carrier = under(axe, rooms)
    try:
        while await carrier.advance(ref):
            pass
    except Killed:
        return False
    return True


async def arrived_once(rooms: Rooms, ref: str, ids: list[bytes]) -> None:
    assert [event.id for event in await rooms.on_ledger(ref)] == ids
    assert [await rooms.state(id_) for id_ in ids] == [EntryState.SUBMITTED] * 2


def topics_made(terms: Terms) -> int:
    return len(terms.devnet.network.state.topics)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_each_step(terms: Terms, after: bool) -> None:
    """Each life finishes what the one before left, and is killed one step later in a campaign of its own."""
    left: tuple[str, list[bytes]] | None = None
    step = 1
    while True:
        async with rooms_on(terms, max_events_per_frame=1) as rooms:
            if left is not None:
                await rooms.carry(left[0])
                await arrived_once(rooms, *left)
            ref = f"c{step}"
            ids = await accept(rooms, ref)
            whole = await carry(rooms, ref, Axe(step, after))
            left = ref, ids
            if whole:
                await arrived_once(rooms, *left)
                break
        step += 1
    assert step > 26  # creation, manifest, a frame, a frame of four chunks
    assert topics_made(terms) == step


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [2, 6, 12, 18, 21, 23])
async def test_killed_and_back_only_after_every_receipt_is_forgotten(terms: Terms, step: int, after: bool) -> None:
    """Then the mirror decides, and only its proof gives a message another id."""
    async with rooms_on(terms, max_events_per_frame=1) as rooms:
        ids = await accept(rooms, "c1")
        assert not await carry(rooms, "c1", Axe(step, after))
    terms.clock.forward(400)
    async with rooms_on(terms, max_events_per_frame=1) as rooms:
        await rooms.carry("c1")
        await arrived_once(rooms, "c1", ids)
    assert topics_made(terms) == 1
