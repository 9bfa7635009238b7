"""Rows of an application's database come into the outbox once each, in their order, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from bridge.counts import happened
from bridge.doors import ChannelHistory
from bridge.errors import Unavailable
from bridge.intake.postgres import opened
from bridge.intake.reader import State
from bridge.intake.rows import Offer, Outcome
from bridge.intake.settings import SourceSettings
from bridge.supervise import supervised
from tests.bridge.intake.application import Application, Bridge, closing, run_out
from tests.bridge.publish.killing import Axe, Killed
from tests.bridge.test_doors import Listener
from tests.rooms import until
from tests.servers import PostgresServer


def crash(server: PostgresServer) -> None:
    """No session is let finish; a moment later it is there again."""
    restart = [str(server.binaries / "pg_ctl"), "-D", str(server.folder), "-m", "immediate", "-w", "-s", "restart"]
    subprocess.run(restart, check=True, stdout=subprocess.DEVNULL, user=server.folder.owner(), cwd="/")


async def test_rows_come_in_with_their_id_and_time(application: Application, bridge: Bridge) -> None:
    ids = await application.write("one", "two")
    [(made_ms,)] = await application.ask(
        "SELECT floor(extract(epoch FROM made_at) * 1000) FROM hcs_bridge.outbox LIMIT 1"
    )
    before = happened["intake taken", "shop"]
    await run_out(application, bridge.reader)
    events = await bridge.events()
    assert [(event.id, event.data["message"]) for event in events] == [(ids[0].bytes, "one"), (ids[1].bytes, "two")]
    assert events[0].time_ms == made_ms
    assert happened["intake taken", "shop"] == before + 2


async def test_an_unknown_campaign_gets_the_rows_owner_who_hears_of_it_at_once(
    application: Application, bridge: Bridge
) -> None:
    listener = Listener()
    bridge.hub.subscribe("campaign:1", listener)
    bridge.hub.go_live("campaign:1", listener, after=0)
    async with supervised({"reader": bridge.reader.run}):
        await until(lambda: bridge.reader.state is State.READING)
        await application.write("over", owner="77")
        await until(lambda: len(listener.heard) == 1)
    assert b'"phase":"provisional"' in listener.heard[0]
    assert await ChannelHistory(bridge.storage).owner_of("1") == "77"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_step_each_row_comes_once(application: Application, bridge: Bridge, after: bool) -> None:
    for number in range(8):
        await application.write(f"{number} a", f"{number} b")
        with pytest.raises(Killed):
            await bridge.reading_under(Axe(number + 1, after)).run()
    await run_out(application, bridge.reader)
    assert await bridge.said() == [f"{number} {which}" for number in range(8) for which in "ab"]


async def test_cancelled_at_any_moment_each_row_comes_once(application: Application, bridge: Bridge) -> None:
    for number in range(40):
        reader = bridge.reading()
        task = asyncio.create_task(reader.run())
        await until(lambda reader=reader: reader.state is State.READING)  # type: ignore[misc]
        await application.write(str(number))
        await asyncio.sleep(number * 0.0002)  # somewhere between NOTIFY and the deletion
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await run_out(application, bridge.reader)
    assert await bridge.said() == [str(number) for number in range(40)]


async def test_the_servers_crash_loses_and_doubles_nothing(
    application: Application, bridge: Bridge, postgres: PostgresServer
) -> None:
    committed = []
    with capture_logs() as lines:
        async with supervised({"reader": bridge.reader.run}):
            for number in range(30):
                if number in {10, 20}:
                    await asyncio.to_thread(crash, postgres)
                await application.write(str(number))
                committed.append(str(number))
            await until(application.is_empty)
            await until(lambda: bridge.reader.state is State.READING)
    assert await bridge.said() == committed
    told = [line["event"] for line in lines if line["event"].startswith("intake")]
    assert told[0] == "intake reads"
    assert all(one != other for one, other in pairwise(told)), "a line for each change"


async def test_of_two_bridges_one_reads_and_the_other_takes_over(application: Application, bridge: Bridge) -> None:
    first, second = bridge.reading(), bridge.reading()
    async with supervised({"first": first.run}):
        await until(lambda: first.state is State.READING)
        async with supervised({"second": second.run}):
            await until(lambda: second.state is State.STANDBY)
            await application.write("one")
            await until(application.is_empty)
            assert second.state is State.STANDBY
    await application.write("two")
    await run_out(application, second)
    assert await bridge.said() == ["one", "two"]


async def test_another_goes_on_for_one_that_stands_still(application: Application, bridge: Bridge) -> None:
    async with opened(SourceSettings("shop", application.url, poll_interval_s=0.1, lock_s=0.5)) as frozen:
        assert await frozen.alone()
        offers = await frozen.offers()
        await application.write("one")
        await run_out(application, bridge.reading())
        with pytest.raises(Unavailable):  # it wakes up
            await frozen.settle([*offers], {})
    assert await bridge.said() == ["one"]


async def test_a_lower_id_that_commits_later_is_not_passed_over(application: Application, bridge: Bridge) -> None:
    async with supervised({"reader": bridge.reader.run}), await application.connect() as slow:
        async with slow.transaction():
            low, _ = await closing(slow, "low", campaign="2")
            await application.write("high")
            await until(application.is_empty)
        await until(application.is_empty)
    assert low == 1
    assert await bridge.said() == ["high", "low"]


async def test_what_is_rolled_back_never_was(application: Application, bridge: Bridge) -> None:
    async with await application.connect() as session:
        with suppress(ZeroDivisionError):
            async with session.transaction():
                await closing(session, "undone")
                raise ZeroDivisionError
    await application.write("done")
    await run_out(application, bridge.reader)
    assert await bridge.said() == ["done"]


BAD = {
    "event": "UPDATE hcs_bridge.outbox SET event = 'NO SUCH THING' WHERE id = 2",
    "campaignId": "UPDATE hcs_bridge.outbox SET campaign = repeat('x', 100000) WHERE id = 2",
    "owner": "UPDATE hcs_bridge.outbox SET owner = 'no owner' WHERE id = 2",
    "to": "UPDATE hcs_bridge.outbox SET to_user = '' WHERE id = 2",
    "at": "UPDATE hcs_bridge.outbox SET made_at = '20000-01-01Z' WHERE id = 2",
    "event_id": "UPDATE hcs_bridge.outbox SET event_id = gen_random_uuid() WHERE id = 2",
    "payload": "UPDATE hcs_bridge.outbox SET payload = 'null' WHERE id = 2",
    "payload.newBalance": "UPDATE hcs_bridge.outbox SET event = 'BALANCE_UPDATE', campaign = NULL, owner = NULL, "
    'to_user = \'5\', payload = \'{"balanceType": "HBAR", "newBalance": "NaN"}\' WHERE id = 2',
    "payload.message": "UPDATE hcs_bridge.outbox SET payload = '{\"message\": 1e400}' WHERE id = 2",
}


@pytest.mark.parametrize("field", BAD)
async def test_a_row_that_may_not_pass_says_why_and_blocks_nobody(
    application: Application, bridge: Bridge, field: str
) -> None:
    await application.write("one", "two", "three")
    await application.ask(BAD[field])
    async with supervised({"reader": bridge.reader.run}):
        await until(lambda: refused_is(application, 2))
        [(_, why)] = await application.left()
        assert why is not None
        assert why.startswith(f"{field}: ") or f"; {field}: " in why
        assert await bridge.said() == ["one", "three"]
        await application.write("four")
        await until(lambda: refused_is(application, 2))
        await application.ask("DELETE FROM hcs_bridge.outbox WHERE id = 2")
    assert await bridge.said() == ["one", "three", "four"]


async def refused_is(application: Application, id_: int) -> bool:
    left = await application.left()
    return [id_] == [each for each, _ in left] and left[0][1] is not None


async def test_a_refused_row_is_taken_once_a_person_has_mended_it(application: Application, bridge: Bridge) -> None:
    await application.write("x" * 100_000)
    async with supervised({"reader": bridge.reader.run}):
        await until(lambda: refused_is(application, 1))
        [(_, why)] = await application.left()
        assert why is not None
        assert "characters long" in why
        assert "events.max_payload_bytes" in why
        await application.ask(
            "UPDATE hcs_bridge.outbox SET refused = NULL, payload = jsonb_set(payload, '{message}', '\"short\"')"
        )
        await until(application.is_empty)
    assert await bridge.said() == ["short"]


async def test_a_batch_is_followed_by_the_next_without_a_pause(application: Application, bridge: Bridge) -> None:
    settings = SourceSettings("shop", application.url, poll_interval_s=60.0, max_batch=2)
    bridge.settings = settings
    await application.write(*"abcde")
    await run_out(application, bridge.reading())
    assert await bridge.said() == list("abcde")


async def test_while_the_bridge_cannot_keep_them_rows_stay_where_they_are(
    application: Application, bridge: Bridge
) -> None:
    full = asyncio.Event()
    full.set()

    async def take(offers: Sequence[Offer]) -> Sequence[Outcome]:
        if full.is_set():
            raise Unavailable("the database", "its disk is full", hint="make room")
        return await bridge.take(offers)

    await application.write("one")
    reader = bridge.reading(take)
    with capture_logs() as lines:
        async with supervised({"reader": reader.run}):
            await until(lambda: reader.state is State.AWAY)
            assert await application.left() == [(1, None)]
            full.clear()
            await until(application.is_empty)
    assert await bridge.said() == ["one"]
    assert [line["event"] for line in lines if line["event"].startswith("intake")] == ["intake waits", "intake reads"]
    assert lines[0]["hint"] == "make room"
