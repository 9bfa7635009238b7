"""The relay when the mirror lies, lags or is away, or the disk is full: nothing lost, and one topic halts alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from bridge.errors import Unavailable as DatabaseAway
from bridge.relay import progress
from bridge.schema import positions
from tests.bridge.relay.bent_mirror import bent, cursor, ids, publish
from tests.rooms import Rooms, change, going, until
from topics.devnet.faults import Fault
from topics.errors import MalformedAnswer, Unavailable
from topics.values import TopicMessage


async def test_a_mirror_that_lies_halts_that_topic_alone(rooms: Rooms) -> None:
    await publish(rooms, "c1", "c2")
    topic_id = await rooms.topic("c1")
    relay, mirror = await bent(rooms)
    mirror.bend(topic_id, lambda shown: [replace(m, message=m.message + b"!") for m in shown])
    with capture_logs() as logs:
        await relay.round(rooms.sweep)
    assert [(log["event"], log["topic"]) for log in logs] == [("topic halted", str(topic_id))]
    assert "compare" in logs[0]["hint"]
    reason = await rooms.database.read(lambda c: progress.halted(c, topic_id))
    assert "running hash" in str(reason)
    assert (ids(rooms.news, "c1"), len(ids(rooms.news, "c2"))) == ([], 1)
    await publish(rooms, "c1", "c2")
    await relay.round(rooms.sweep)
    assert (ids(rooms.news, "c1"), len(ids(rooms.news, "c2"))) == ([], 2)
    assert await cursor(rooms) == rooms.sweep.reached_ns


async def test_a_topic_that_is_let_go_on_has_lost_nothing(rooms: Rooms) -> None:
    """What stood on the page before the message that halted it included."""
    first = await publish(rooms, "c1")
    await rooms.inbound.round(rooms.sweep)
    second = await publish(rooms, "c1") + await publish(rooms, "c1")
    topic_id = await rooms.topic("c1")
    relay, mirror = await bent(rooms)
    mirror.bend(topic_id, lambda shown: [replace(m, consensus_ns=1) if m.sequence == 4 else m for m in shown])
    await relay.round(rooms.sweep)
    assert await rooms.database.read(lambda c: progress.halted(c, topic_id)) is not None
    mirror.bend(topic_id, None)
    await rooms.database.write(lambda c: c.execute(update(positions).values(halted=None)))
    third = await publish(rooms, "c1")
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == [*first, *second, *third]


async def test_a_topic_is_visited_again_though_nothing_moves(rooms: Rooms) -> None:
    """As after a resume: nobody says how far it has moved, and the end of what there is ends it."""
    accepted = await publish(rooms, "c1")
    topic_id = await rooms.topic("c1")
    relay, mirror = await bent(rooms)
    mirror.bend(topic_id, lambda shown: [replace(m, consensus_ns=1) for m in shown])
    await relay.round(rooms.sweep)
    mirror.bend(topic_id, None)
    await rooms.database.write(lambda c: progress.resume(c, topic_id, since_ns=1))
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == []
    for _ in range(2):
        relay.revisit(topic_id)
        await relay.round(rooms.sweep)
        assert ids(rooms.news, "c1") == list(accepted)
    await relay.round(rooms.sweep)
    assert await cursor(rooms) == rooms.sweep.reached_ns


async def test_a_page_that_lags_behind_the_sweep_is_asked_again(rooms: Rooms) -> None:
    before = await cursor(rooms)
    accepted = await publish(rooms, "c1") + await publish(rooms, "c2")
    relay, mirror = await bent(rooms)
    mirror.bend(await rooms.topic("c1"), lambda _: [])
    await relay.round(rooms.sweep)
    assert (ids(rooms.news, "c1"), ids(rooms.news, "c2")) == ([], [accepted[1]])
    assert await cursor(rooms) == before
    await relay.round(rooms.sweep)
    mirror.bend(await rooms.topic("c1"), None)
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == [accepted[0]]
    assert await cursor(rooms) == rooms.sweep.reached_ns > before


@pytest.mark.parametrize("error", [Unavailable("mirror", "gone"), MalformedAnswer("mirror", "no JSON")])
async def test_a_topic_that_cannot_be_read_now_is_read_later(rooms: Rooms, error: Exception) -> None:
    accepted = await publish(rooms, "c1", "c2")
    relay, mirror = await bent(rooms)

    def fail(_: list[TopicMessage]) -> list[TopicMessage]:
        raise error

    mirror.bend(await rooms.topic("c1"), fail)
    before = await cursor(rooms)
    await relay.round(rooms.sweep)
    assert (ids(rooms.news, "c1"), ids(rooms.news, "c2")) == ([], [accepted[1]])
    assert await cursor(rooms) == before
    mirror.bend(await rooms.topic("c1"), None)
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == [accepted[0]]


async def test_the_mirror_is_away_for_a_while(rooms: Rooms) -> None:
    rooms.terms.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    with capture_logs() as logs:
        async with going(rooms):
            accepted = (await rooms.accept(change(), change())).ids
            await until(lambda: any(log["event"] == "relay waits" for log in logs))
            await asyncio.sleep(0.1)
            rooms.terms.devnet.faults.clear()
            await until(lambda: ids(rooms.news, "c1") == list(accepted))
    assert len([log for log in logs if log["event"] == "relay waits"]) == 1


async def test_a_write_that_fails_is_done_again(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: nothing reaches the hub that isn't stored, and nothing is lost; a halt is tried again too."""
    accepted = await publish(rooms, "c1", "c2")
    relay, mirror = await bent(rooms)
    mirror.bend(await rooms.topic("c2"), lambda shown: shown[1:])

    async def full(*_wanted: Any) -> Any:
        raise DatabaseAway("the database", "database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(rooms.database, "write", full)
        patched.setattr(rooms.database, "write_together", full)
        await relay.round(rooms.sweep)
    assert rooms.news == []
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == [accepted[0]]
    topic_id = await rooms.topic("c2")
    assert await rooms.database.read(lambda c: progress.halted(c, topic_id)) is not None
