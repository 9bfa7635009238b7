"""Turns: every campaign gets its own, whatever the others have waiting or suffer from."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import cast

import pytest
from sqlalchemy import Connection, Update, select, update
from structlog.testing import capture_logs

from bridge.publish import outbox
from bridge.publish.carrier import Carrier
from bridge.publish.ingest import Request
from bridge.publish.outbox import EntryState
from bridge.publish.submitter import Submitter
from bridge.schema import entries, registry, transactions
from bridge.supervise import supervised
from tests.bridge.publish.killing import Axe, Killed, under
from tests.bridge.publish.test_carrier import loaded, tamper
from tests.footing import Terms
from tests.rooms import Rooms, change, going, rooms_on, until
from topics.devnet.faults import Fault
from topics.registry import TopicState


async def are(rooms: Rooms, ids: tuple[bytes, ...], state: EntryState) -> bool:
    return all([await rooms.state(id_) is state for id_ in ids])


async def test_what_is_woken_is_carried(rooms: Rooms) -> None:
    async with going(rooms, "submitter"):
        ids = (await rooms.accept(change(), change("c2"), change(None, user_id="7"))).ids
        await until(lambda: are(rooms, ids, EntryState.SUBMITTED))
        more = (await rooms.accept(change(), change("c2"))).ids
        await until(lambda: are(rooms, more, EntryState.SUBMITTED))


async def test_what_comes_at_the_last_moment_of_an_empty_turn_is_not_overlooked(rooms: Rooms) -> None:
    ids: list[bytes] = []

    class LateArrival:
        """The carrier; just after it has found nothing, something comes."""

        async def advance(self, ref: str) -> bool:
            carried = await rooms.carrier.advance(ref)
            if not carried and not ids:
                ids.extend((await rooms.ingest.accept([change()], Request("k"))).ids)
                submitter.wake([ref])
            return carried

    submitter = Submitter(rooms.loader.publish, rooms.database, cast("Carrier", LateArrival()), is_mine=lambda _: True)
    await rooms.ingest.register("c1", None)
    async with supervised({"submitter": submitter.run}):
        await until(lambda: ids)
        await until(lambda: are(rooms, tuple(ids), EntryState.SUBMITTED))


async def test_campaigns_of_others_are_left_to_them_and_a_flight_under_way_is_waited_for(rooms: Rooms) -> None:
    mine, go, begun = {"c1", "c2"}, asyncio.Event(), list[str]()

    class Slow:
        """The carrier."""

        async def advance(self, ref: str) -> bool:
            begun.append(ref)
            await go.wait()
            return True

    submitter = Submitter(
        rooms.loader.publish, rooms.database, cast("Carrier", Slow()), is_mine=lambda ref: ref in mine
    )
    async with supervised({"submitter": submitter.run}):
        submitter.wake(["c1", "c3"])
        await until(lambda: begun == ["c1"])
        mine.remove("c1")
        leaving = asyncio.create_task(submitter.left())
        await asyncio.sleep(0)
        assert not leaving.done()
        go.set()
        await leaving
        submitter.wake(["c1", "c2"])
        await until(lambda: "c2" in begun)
    assert begun.count("c1") == 1
    assert "c3" not in begun


async def test_a_burst_shares_frames(terms: Terms) -> None:
    async with rooms_on(terms, linger_ms=50) as rooms, going(rooms, "submitter"):
        ids = tuple([(await rooms.accept(change(n=str(n)))).ids[0] for n in range(20)])
        await until(lambda: are(rooms, ids, EntryState.SUBMITTED))
        messages = await rooms.mirror.messages(await rooms.topic("c1"), after=0)
        assert len(messages) <= 1 + 10  # the manifest, and far fewer than a frame an event
        assert [event.id for event in await rooms.on_ledger("c1")] == list(ids)


async def test_a_full_campaign_does_not_starve_anothers_single_event(terms: Terms) -> None:
    async with rooms_on(terms, max_flights=1, max_events_per_frame=10) as rooms:
        await rooms.ingest.register("small", None)
        await rooms.carry("small")  # a topic is made beside the flights, and takes no turn
        many = (await rooms.ingest.accept([change("full", n=str(n)) for n in range(2_000)], Request("k"))).ids
        async with going(rooms, "submitter"):
            await until(lambda: are(rooms, many[:1], EntryState.SUBMITTED))
            single = (await rooms.accept(change("small"))).ids
            await until(lambda: are(rooms, single, EntryState.SUBMITTED))
            left = await rooms.database.read(lambda c: outbox.waiting(c, "full", limit=2_000))
            # one turn of the small one, between turns of the full one, which go on while it lingers and is looked for
            assert len(left) > 1_000


async def test_full_campaigns_take_turns(terms: Terms) -> None:
    async with rooms_on(terms, max_flights=1, max_events_per_frame=10) as rooms:
        refs = ("c1", "c2", "c3")
        each = {ref: (await rooms.ingest.accept([change(ref) for _ in range(200)], Request("k"))).ids for ref in refs}
        async with going(rooms, "submitter"):
            await until(lambda: are(rooms, each["c2"][:50], EntryState.SUBMITTED))
        left = [len(await rooms.database.read(lambda c, ref=ref: outbox.waiting(c, ref, limit=500))) for ref in refs]  # type: ignore[misc]
    assert max(left) - min(left) <= 20
    assert max(left) < 200


async def test_a_restart_goes_on_with_all_that_was_left(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        waiting = (await rooms.ingest.accept([change("waiting")], Request("k"))).ids
        await rooms.ingest.register("registered", "7")
        flying = (await rooms.accept(change("flying"))).ids
        await rooms.database.write(lambda c: registry.intend(c, "flying", owner=None, now_ms=1))
        terms.devnet.faults.inject(Fault.NODE_DOWN)
        async with going(rooms, "submitter"):
            await asyncio.sleep(0.1)
    terms.devnet.faults.clear()

    async def registered() -> bool:
        found = await rooms.database.read(lambda c: registry.find(c, "registered"))
        return found is not None and found.state is TopicState.READY

    async with rooms_on(terms) as rooms, going(rooms, "submitter"):
        await until(lambda: are(rooms, waiting + flying, EntryState.SUBMITTED))
        await until(registered)


async def test_an_operators_fault_stops_one_campaign_and_is_told(rooms: Rooms) -> None:
    """A body that doesn't open under its key: nothing is dropped, the daemon lives, the others go on."""
    broken = (await rooms.accept(change("broken"))).ids
    await rooms.database.write(lambda c: c.execute(update(entries).values(body=b"changed")))
    with capture_logs() as logs:
        async with going(rooms, "submitter"):
            well = (await rooms.accept(change("well"))).ids
            await until(lambda: are(rooms, well, EntryState.SUBMITTED))
            await until(lambda: any(log["log_level"] == "error" for log in logs))
    assert await are(rooms, broken, EntryState.WAITING)
    [error, *_] = [log for log in logs if log["log_level"] == "error"]
    assert error["ref"] == "broken"
    assert "does not open" in error["reason"]


async def test_a_network_that_is_away_is_tried_again_with_growing_pauses(terms: Terms) -> None:
    async with rooms_on(terms, retry_initial_s=0.02, retry_max_s=10) as rooms:
        terms.devnet.faults.inject(Fault.NODE_DOWN)
        with capture_logs() as logs:
            async with going(rooms, "submitter"):
                ids = (await rooms.accept(change())).ids
                await until(lambda: rooms.submitter._failures.get("c1", 0) >= 3)
                terms.devnet.faults.clear()
                await until(lambda: are(rooms, ids, EntryState.SUBMITTED))
    told = [log["event"] for log in logs if log["log_level"] != "debug"]
    assert told == ["flight delayed", "submission goes on"]  # however often it was tried
    pauses = [rooms.submitter._delay_s("c") for _ in range(12)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[1], pauses[-1]) == (0.02, 0.04, 10)


def run(statement: Update, connection: Connection) -> None:
    connection.execute(statement)


async def test_a_flight_that_stuck_half_way_goes_on_at_once_when_an_operator_says_so(terms: Terms) -> None:
    """Its first chunk is on the ledger, the next one is refused; it is not dropped, and need not wait for its turn."""
    async with rooms_on(terms, retry_max_s=3600) as rooms:
        ids = tuple(await loaded(rooms, "x" * 3_000))
        with pytest.raises(Killed):
            await under(Axe(4, after=True), rooms).advance("c1")  # a look; chunk 1: submit, receipt, settled
        intended = transactions.c.state == "intended"
        good = await rooms.database.read(lambda c: c.execute(select(transactions).where(intended)).mappings().all())
        await tamper(rooms, b"x" * 2_000)
        async with going(rooms, "submitter"):
            await until(lambda: "MESSAGE_SIZE_TOO_LARGE" in rooms.submitter.waits.get("c1", ""))
            for row in good:
                message = update(transactions).where(intended, transactions.c.number == row["number"])
                await rooms.database.write(partial(run, message.values(message=row["message"])))
            rooms.submitter.hurry(["c1"])
            await until(lambda: are(rooms, ids, EntryState.SUBMITTED))
            await until(lambda: not rooms.submitter.waits)
        assert [event.id for event in await rooms.on_ledger("c1")] == list(ids)


async def test_a_drain_begins_nothing_and_waits_for_what_flies(rooms: Rooms) -> None:
    async with going(rooms, "submitter"):
        await rooms.accept(change(), change("c2"))
        await until(lambda: rooms.submitter.flying)
        await rooms.submitter.drain()
        assert not rooms.submitter.flying
        late = (await rooms.accept(change("c3"))).ids
        await asyncio.sleep(0.1)  # time enough for a turn, had there been one
        assert await are(rooms, late, EntryState.WAITING)
        found = await rooms.database.read(lambda c: registry.find(c, "c3"))
        assert found is not None
        assert found.topic_id is None


async def test_a_drain_ends_at_its_timeout(terms: Terms) -> None:
    async with rooms_on(terms, drain_timeout_s=0.001) as rooms:
        await rooms.ingest.register("c1", None)
        await rooms.carry("c1")
        terms.devnet.faults.inject(Fault.NODE_DOWN)
        with capture_logs() as logs:
            async with going(rooms, "submitter"):
                await rooms.accept(change())
                await until(lambda: rooms.submitter.flying)
                await rooms.submitter.drain()
        assert [log["flights"] for log in logs if log["event"] == "flights left for the next start"] == [1]


async def test_a_drain_of_nothing_is_over_at_once(rooms: Rooms) -> None:
    await rooms.submitter.drain()


async def test_campaigns_linger_longer_while_many_requests_share_a_commit(terms: Terms) -> None:
    async with rooms_on(terms, linger_ms=100, linger_max_ms=2_000) as rooms:
        due_s = {}
        for together in (0, 5, 500):
            rooms.database.together = together
            rooms.submitter.wake([f"c{together}"])
            due_s[together] = rooms.submitter._later[f"c{together}"].when() - asyncio.get_running_loop().time()
    assert due_s == {0: pytest.approx(0.1, abs=0.09), 5: pytest.approx(0.5, abs=0.09), 500: pytest.approx(2, abs=0.09)}
