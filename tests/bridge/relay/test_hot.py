"""Campaigns that are awake have streams, which bring everything once and stop nothing, whatever becomes of them."""

from __future__ import annotations

import logging
import random
from collections import OrderedDict
from functools import partial
from typing import Any

import pytest

from bridge.publish.outbox import EntryState
from bridge.relay import progress
from bridge.relay.hot import Hot, admit
from tests.bridge.relay.awake import awake
from tests.bridge.relay.bent_mirror import ids, stored, told
from tests.rooms import Rooms, change, going, until
from topics.devnet.fault_kinds import Fault, Field, Side

LONG = "x" * 2_000
GRPC: dict[str, Any] = {"side": Side.GRPC}
FAULTS: dict[str, tuple[Fault, dict[str, Any]]] = {
    "down": (Fault.MIRROR_GRPC_DOWN, {}),
    "breaks": (Fault.STREAM_BREAKS, {"after": 2}),
    "ends": (Fault.STREAM_BREAKS, {"after": 1, "status": "OK"}),
    "silent": (Fault.STREAM_SILENT, {"after": 2}),
    "dropped": (Fault.MESSAGE_DROPPED, {**GRPC, "sequence": 3}),
    "repeated": (Fault.MESSAGE_REPEATED, GRPC),
    "reordered": (Fault.MESSAGE_REORDERED, {**GRPC, "sequence": 3}),
    "forged": (Fault.MESSAGE_FORGED, {**GRPC, "from_sequence": 3}),
    **{
        f"another {field}": (Fault.MESSAGE_ALTERED, {**GRPC, "field": field})
        for field in (Field.MESSAGE, Field.RUNNING_HASH, Field.TIMESTAMP, Field.CHUNK)
    },
}


async def published(rooms: Rooms, count: int) -> dict[str, list[bytes]]:
    """So many events to each of two campaigns, one behind the other; every other one is in chunks."""
    accepted: dict[str, list[bytes]] = {"c1": [], "c2": []}
    for number in range(count):
        for ref, known in accepted.items():
            known.extend((await rooms.accept(change(ref, text=LONG if number % 2 else "x"))).ids)
    return accepted


async def relayed(rooms: Rooms, accepted: dict[str, list[bytes]]) -> None:
    """Each arrives once and in order, no topic is halted, and nothing counts as unreadable."""
    await until(lambda: len(rooms.news) >= sum(map(len, accepted.values())))
    for ref, known in accepted.items():
        assert ids(rooms.news, ref) == known
        assert await stored(rooms, ref) == [offset for offset, _ in told(rooms.news, ref)]
        topic_id = await rooms.topic(ref)
        assert await rooms.database.read(partial(progress.halted, topic_id=topic_id)) is None
        assert (await rooms.database.read(partial(progress.of, topic_id=topic_id))).skipped == 0
        assert {await rooms.state(id_) for id_ in known} == {EntryState.CONFIRMED}


async def test_streams_alone_bring_everything(rooms: Rooms) -> None:
    async with awake(rooms, "c1", "c2") as streams, going(rooms, "submitter"):
        await relayed(rooms, await published(rooms, 6))
        assert streams.from_rest == 0
    assert streams.calls == []


@pytest.mark.parametrize("name", FAULTS)
async def test_whatever_becomes_of_the_streams_all_of_it_arrives_once(rooms: Rooms, name: str) -> None:
    fault, asked = FAULTS[name]
    rooms.terms.devnet.faults.inject(fault, **asked)
    async with awake(rooms, "c1", "c2"), going(rooms):
        await relayed(rooms, await published(rooms, 4))


async def test_a_stream_that_died_without_a_word_is_found_out(rooms: Rooms) -> None:
    """Long before it would have been silent for too long: the sweep was ahead of it."""
    faults = rooms.terms.devnet.faults
    async with awake(rooms, "c1", "c2") as streams, going(rooms, "submitter"):
        accepted = await published(rooms, 1)
        await relayed(rooms, accepted)
        faults.inject(Fault.STREAM_SILENT, after=0)
        for ref, known in (await published(rooms, 1)).items():
            accepted[ref] += known
        async with going(rooms, "inbound"):
            await relayed(rooms, accepted)
            await until(lambda: streams.from_rest > 0)


async def test_a_campaign_that_fell_asleep_costs_no_requests_and_has_its_stream_again_once_it_wakes(
    rooms: Rooms,
) -> None:
    watched, looks = {"c1", "c2"}, list[int]()

    def hot() -> Hot:
        looks.append(len(watched))
        return Hot(set(), set(watched))

    async with awake(rooms, hot=hot) as streams, going(rooms, "submitter"):
        accepted = await published(rooms, 1)
        await relayed(rooms, accepted)
        topics, before = [await rooms.topic(ref) for ref in sorted(watched)], rooms.mirror.requests

        def silence_ended() -> bool:
            for topic_id in topics:
                streams.check(topic_id)
            return not streams.calls

        watched.clear()
        await until(lambda: looks[-2:] == [0, 0])  # two: the first has been taken to heart
        await until(silence_ended)
        assert rooms.mirror.requests == before
        watched.update(accepted)
        for ref, known in (await published(rooms, 1)).items():
            accepted[ref] += known
        await relayed(rooms, accepted)


async def test_the_log_says_once_that_streams_are_down(rooms: Rooms, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "topics.mirror.host")
    rooms.terms.devnet.faults.inject(Fault.MIRROR_GRPC_DOWN)
    async with awake(rooms, "c1", "c2") as streams, going(rooms):
        accepted = await published(rooms, 1)
        await until(lambda: not streams.is_up)
        rooms.terms.devnet.faults.clear(Fault.MIRROR_GRPC_DOWN)
        while not streams.is_up:  # only a message tells that they are back
            for ref, known in (await published(rooms, 1)).items():
                accepted[ref] += known
            await relayed(rooms, accepted)
    said = [record.getMessage() for record in caplog.records if "streams is" in record.getMessage()]
    assert [text.split(": ")[0].rpartition(" ")[2] for text in said] == ["down", "up"]


def test_a_place_is_kept_until_it_is_needed() -> None:
    places: OrderedDict[str, None] = OrderedDict()
    admit(places, Hot({"a"}, set()), 2)
    admit(places, Hot(set(), {"b"}), 2)
    assert [*places] == ["a", "b"]
    admit(places, Hot({"c"}, {"b"}), 2)
    assert [*places] == ["b", "c"]


def test_flights_go_before_subscribers_and_nobody_goes_for_an_equal() -> None:
    places: OrderedDict[str, None] = OrderedDict(dict.fromkeys("ab"))
    admit(places, Hot(set(), {"a", "b", "c"}), 2)
    assert [*places] == ["a", "b"]
    admit(places, Hot({"c"}, {"a", "b", "c"}), 2)
    assert [*places] == ["b", "c"]
    admit(places, Hot({"b", "c", "d"}, set()), 2)
    assert set(places) == {"b", "c"}


def test_of_more_subscribers_than_places_as_many_as_fit_are_taken() -> None:
    places: OrderedDict[str, None] = OrderedDict()
    watched = {str(number) for number in range(1000)}
    random.seed(1)
    admit(places, Hot(set(), watched), 8)
    assert len(places) == 8
    assert set(places) <= watched
    admit(places, Hot(set(), watched), 0)
