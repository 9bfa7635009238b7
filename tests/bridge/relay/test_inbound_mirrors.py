"""The relay with two mirrors: one that lies, is down or stands still is passed over; a topic halts when both lie."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bridge import config_sections as sections
from bridge.crossing import confirm, recognise
from bridge.relay import progress
from bridge.relay.handing import Handing, Reading
from bridge.relay.inbound import Inbound
from tests.bridge.relay.bent_mirror import cursor, ids, publish, stored
from tests.footing import Terms, terms_at
from tests.rooms import Rooms
from tests.topics.client import QUICK_MIRROR
from topics.devnet.faults import Fault, Field
from topics.mirror.answers import Page
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep

SETTINGS = dataclasses.replace(QUICK_MIRROR, backoff_max_s=0.05, max_lag_s=5.0)


@pytest.fixture
async def terms(tmp_path: Path) -> AsyncIterator[Terms]:
    async with terms_at(tmp_path, mirrors=2) as terms:
        yield terms


@dataclass(frozen=True, slots=True)
class Relay:
    """The inbound corridor over both mirrors, and the pages that it stored."""

    rooms: Rooms
    mirror: Mirror
    inbound: Inbound
    sweep: Sweep
    pages: list[Page]

    @property
    def urls(self) -> list[str]:
        return [each.rest.url for each in self.rooms.terms.devnet.mirrors]

    async def round(self) -> list[int]:
        """One round; the mirrors, by their place, whose pages were stored in it."""
        before = len(self.pages)
        await self.inbound.round(self.sweep)
        return [self.urls.index(page.source) for page in self.pages[before:]]

    async def halted(self, ref: str) -> str | None:
        topic_id = await self.rooms.topic(ref)
        return await self.rooms.database.read(lambda c: progress.halted(c, topic_id))


@pytest.fixture
async def relay(rooms: Rooms) -> AsyncIterator[Relay]:
    first, second = (each.rest.url for each in rooms.terms.devnet.mirrors)
    mirror = Mirror(first, SETTINGS, others=[second])
    pages: list[Page] = []
    reading = Reading(mirror, rooms.ring, rooms.rules, pages.append)
    handing = Handing(recognise, confirm, rooms.news.extend)
    inbound = Inbound(sections.Relay(), rooms.database, rooms.store, rooms.leases, reading=reading, handing=handing)
    sweep = Sweep(mirror, rooms.terms.devnet.operator_id, cursor_ns=await cursor(rooms))
    try:
        yield Relay(rooms, mirror, inbound, sweep, pages)
    finally:
        await mirror.close()


@pytest.mark.parametrize("field", [Field.MESSAGE, Field.SEQUENCE, Field.RUNNING_HASH, Field.TIMESTAMP])
async def test_what_the_first_alters_is_relayed_as_the_second_shows_it(
    relay: Relay, rooms: Rooms, field: Field
) -> None:
    accepted = [*await publish(rooms, "c1"), *await publish(rooms, "c1")]
    topic_id = await rooms.topic("c1")
    rooms.terms.devnet.faults.inject(Fault.MESSAGE_ALTERED, mirror=0, topic=topic_id, sequence=3, field=field)
    with capture_logs() as logs:
        assert await relay.round() == []
        assert await relay.round() == [1]
    assert (ids(rooms.news, "c1"), len(await stored(rooms, "c1"))) == (accepted, 2)
    [told] = logs
    assert (told["event"], told["topic"], told["mirror"]) == ("mirror not believed", str(topic_id), relay.urls[0])
    assert "sequence number" in told["reason"]
    assert await relay.halted("c1") is None
    assert await cursor(rooms) == relay.sweep.reached_ns
    await publish(rooms, "c1")
    other = await publish(rooms, "c2")
    assert sorted(await relay.round()) == [0, 1]  # for the other topic the first is as good as before
    assert ids(rooms.news, "c2") == list(other)


async def test_a_forged_tail_that_a_receipt_shows_is_left_for_the_second_too(relay: Relay, rooms: Rooms) -> None:
    accepted = [*await publish(rooms, "c1"), *await publish(rooms, "c1")]
    rooms.terms.devnet.faults.inject(Fault.MESSAGE_FORGED, mirror=0, from_sequence=2)
    assert [await relay.round(), await relay.round()] == [[], [1]]
    assert ids(rooms.news, "c1") == accepted
    assert await relay.halted("c1") is None


async def test_when_both_lie_the_topic_halts_and_a_resume_asks_both_again(relay: Relay, rooms: Rooms) -> None:
    accepted = await publish(rooms, "c1")
    topic_id = await rooms.topic("c1")
    rooms.terms.devnet.faults.inject(Fault.MESSAGE_ALTERED, sequence=2, field=Field.MESSAGE)
    with capture_logs() as logs:
        assert [await relay.round(), await relay.round()] == [[], []]
    assert [log["event"] for log in logs] == ["mirror not believed", "topic halted"]
    assert "running hash of sequence number 2" in str(await relay.halted("c1"))
    assert rooms.news == []
    rooms.terms.devnet.faults.clear()
    await rooms.database.write(lambda c: progress.resume(c, topic_id, since_ns=1))
    relay.inbound.revisit(topic_id)
    assert await relay.round() == [0]
    assert ids(rooms.news, "c1") == list(accepted)


async def test_a_resume_trusts_a_mirror_again_that_was_left(relay: Relay, rooms: Rooms) -> None:
    await publish(rooms, "c1")
    topic_id = await rooms.topic("c1")
    assert relay.mirror.mirrors.distrust(topic_id, relay.urls[0])
    relay.inbound.revisit(topic_id)
    assert await relay.round() == [0]


async def test_while_the_first_is_down_the_second_carries_and_then_the_first_again(relay: Relay, rooms: Rooms) -> None:
    await publish(rooms, "c1")
    assert await relay.round() == [0]
    rooms.terms.devnet.faults.inject(Fault.MIRROR_UNREACHABLE, mirror=0)
    await publish(rooms, "c1")
    assert await relay.round() == [1]
    rooms.terms.devnet.faults.clear()
    await relay.mirror.mirrors.check()
    await publish(rooms, "c1")
    assert await relay.round() == [0]
    assert len(ids(rooms.news, "c1")) == len(await stored(rooms, "c1")) == 3


async def test_while_the_first_stands_still_the_second_carries(relay: Relay, rooms: Rooms) -> None:
    await publish(rooms, "c1")
    assert await relay.round() == [0]
    rooms.terms.devnet.faults.inject(Fault.MIRROR_FREEZE, mirror=0)
    rooms.terms.clock.forward(10)
    await publish(rooms, "c1")
    rooms.terms.clock.forward(5)  # so that there is a block
    assert await relay.round() == []
    await relay.mirror.mirrors.check()
    assert await relay.round() == [1]
    rooms.terms.devnet.faults.clear()
    await relay.mirror.mirrors.check()
    await publish(rooms, "c1")
    assert await relay.round() == [0]
    assert len(ids(rooms.news, "c1")) == 3
