"""The inbound corridor on a devnet: everything once, in order, across restarts; a lie halts one topic alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, update
from structlog.testing import capture_logs

from bridge import config_sections as sections
from bridge import settings
from bridge.errors import Unavailable as DatabaseAway
from bridge.publish.outbox import EntryState
from bridge.relay import progress
from bridge.relay.inbound import Handing, Inbound, Reading
from bridge.relay.store import News
from bridge.schema import positions
from tests.rooms import Rooms, Terms, change, confirm, going, rooms_on, until
from topics.devnet.faults import Fault
from topics.errors import MalformedAnswer, Unavailable
from topics.mirror.rest import Mirror
from topics.mirror.sweep import Sweep
from topics.values import TopicId, TopicMessage

LONG = "x" * 2_000


async def publish(rooms: Rooms, *refs: str, text: str = "x") -> tuple[bytes, ...]:
    """An event for each, on the ledger."""
    accepted = await rooms.accept(*(change(ref, text=text) for ref in refs))
    for ref in set(refs):
        await rooms.carry(ref)
    return accepted.ids


def told(news: Sequence[News], ref: str) -> list[tuple[int, str]]:
    """Offset and id of what was handed to the hub for a campaign."""
    found = [each.publication for each in news if each.channel == f"campaign:{ref}"]
    return [(publication.offset, json.loads(publication.data)["meta"]["id"].replace("-", "")) for publication in found]


def ids(news: Sequence[News], ref: str) -> list[bytes]:
    return [bytes.fromhex(id_) for _, id_ in told(news, ref)]


async def stored(rooms: Rooms, ref: str) -> list[int]:
    found = await rooms.database.read(lambda c: rooms.store.read(c, f"campaign:{ref}", since=0, limit=1000))
    return [publication.offset for publication in found]


async def cursor(rooms: Rooms) -> int:
    return await rooms.database.read(settings.cursor_ns)


class BentMirror(Mirror):
    """A mirror of which a test bends what it shows of one topic."""

    def bend(self, topic_id: TopicId, how: Any) -> None:
        self.bent: dict[TopicId, Any] = {**getattr(self, "bent", {}), topic_id: how}

    async def messages(self, topic_id: TopicId, *, after: int, limit: int = 100) -> list[TopicMessage]:
        shown = await super().messages(topic_id, after=after, limit=limit)
        how = getattr(self, "bent", {}).get(topic_id)
        return shown if how is None else how(shown)


async def bent(rooms: Rooms, **limits: Any) -> tuple[Inbound, BentMirror]:
    """The rooms' relay with a mirror that can be bent; it shares the rooms' connections."""
    await rooms.mirror.latest_consensus_ns()  # which opens the session
    mirror = BentMirror(rooms.mirror.url, rooms.mirror._settings, session=rooms.mirror._session)
    reading = Reading(mirror, rooms.ring, rooms.rules)
    handing = Handing(confirm, rooms.news.extend)
    section = sections.Relay(**limits)
    return Inbound(section, rooms.database, rooms.store, reading=reading, handing=handing), mirror


async def test_what_was_published_is_relayed_and_confirmed_in_order(rooms: Rooms) -> None:
    async with going(rooms):
        accepted = [(await rooms.accept(change("c1"), change("c2"), change("c1", text=LONG))).ids for _ in range(5)]
        await until(lambda: len(rooms.news) == 15)
    assert ids(rooms.news, "c1") == [id_ for each in accepted for id_ in (each[0], each[2])]
    assert ids(rooms.news, "c2") == [each[1] for each in accepted]
    assert {await rooms.state(id_) for each in accepted for id_ in each} == {EntryState.CONFIRMED}
    for ref in ("c1", "c2"):
        offsets = [offset for offset, _ in told(rooms.news, ref)]
        assert offsets == sorted(set(offsets)) == await stored(rooms, ref)


async def test_a_restart_resumes_exactly(terms: Terms) -> None:
    """Stopped and started at every stage, in small batches, with chunked frames."""
    accepted: list[bytes] = []
    news: list[News] = []
    for _ in range(4):
        async with rooms_on(terms) as rooms:
            accepted += await publish(rooms, "c1", text=LONG)
            accepted += await publish(rooms, "c1")
            relay, _ = await bent(rooms, batch_messages=2)
            await relay.round(rooms.sweep)
            news += rooms.news
    assert ids(news, "c1") == accepted
    async with rooms_on(terms) as rooms:
        await rooms.inbound.round(rooms.sweep)
        assert rooms.news == []
        assert await stored(rooms, "c1") == [offset for offset, _ in told(news, "c1")]


async def test_a_restart_in_the_middle_of_a_chunked_frame(terms: Terms) -> None:
    async with rooms_on(terms) as rooms:
        accepted = await publish(rooms, "c1", text=LONG)
        topic_id = await rooms.topic("c1")
        relay, mirror = await bent(rooms)
        mirror.bend(topic_id, lambda shown: [message for message in shown if message.sequence <= 3])
        await relay.round(rooms.sweep)
        assert rooms.news == []
        found = await rooms.database.read(lambda c: progress.of(c, topic_id))
        assert (found.resume.sequence, found.opened_sequence) == (1, 3)
    async with rooms_on(terms) as rooms:
        await rooms.inbound.round(rooms.sweep)
        assert ids(rooms.news, "c1") == list(accepted)


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
            await until(lambda: any(log["event"] == "relay waits for the mirror" for log in logs))
            await asyncio.sleep(0.1)
            rooms.terms.devnet.faults.clear()
            await until(lambda: ids(rooms.news, "c1") == list(accepted))
    assert len([log for log in logs if log["event"] == "relay waits for the mirror"]) == 1


async def test_a_write_that_fails_is_done_again(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk: nothing reaches the hub that isn't stored, and nothing is lost; a halt is tried again too."""
    accepted = await publish(rooms, "c1", "c2")
    relay, mirror = await bent(rooms)
    mirror.bend(await rooms.topic("c2"), lambda shown: shown[1:])
    write = rooms.database.write

    async def full(work: Any) -> Any:
        raise DatabaseAway("the database", "database or disk is full")

    monkeypatch.setattr(rooms.database, "write", full)
    await relay.round(rooms.sweep)
    assert rooms.news == []
    monkeypatch.setattr(rooms.database, "write", write)
    await relay.round(rooms.sweep)
    assert ids(rooms.news, "c1") == [accepted[0]]
    topic_id = await rooms.topic("c2")
    assert await rooms.database.read(lambda c: progress.halted(c, topic_id)) is not None


async def test_messages_of_ours_in_foreign_topics_are_left_alone(rooms: Rooms) -> None:
    await publish(rooms, "c1")
    other = replace(rooms.terms, path=rooms.terms.path.with_name("other.db"))
    async with rooms_on(other) as stranger:
        await stranger.inbound.round(stranger.sweep)
        assert stranger.news == []
        assert await cursor(stranger) == stranger.sweep.reached_ns


async def test_few_tails_are_held_open_and_all_topics_read(rooms: Rooms) -> None:
    refs = [f"c{number}" for number in range(6)]
    relay, _ = await bent(rooms, max_open_topics=2, max_parallel_topics=3)
    accepted = [await publish(rooms, *refs) for _ in range(2)]
    await relay.round(rooms.sweep)
    accepted.append(await publish(rooms, *refs))
    await relay.round(rooms.sweep)
    assert len(relay._tails) <= 2
    for number, ref in enumerate(refs):
        assert ids(rooms.news, ref) == [each[number] for each in accepted]


async def test_a_sweep_from_the_beginning_repeats_nothing(rooms: Rooms) -> None:
    await publish(rooms, "c1", "c2")
    await rooms.inbound.round(rooms.sweep)
    relayed = len(rooms.news)
    await rooms.inbound.round(Sweep(rooms.mirror, rooms.terms.devnet.operator_id, cursor_ns=0))
    assert len(rooms.news) == relayed == 2


async def test_the_outbox_and_the_store_move_in_one_transaction(rooms: Rooms) -> None:
    [id_] = await publish(rooms, "c1")

    def refuse(_connection: Connection, _batch: Any) -> None:
        raise KeyError("the outbox")

    handing = Handing(refuse, rooms.news.extend)
    relay = Inbound(sections.Relay(), rooms.database, rooms.store, reading=rooms.inbound._reading, handing=handing)
    with pytest.raises(ExceptionGroup):
        await relay.round(rooms.sweep)
    assert (rooms.news, await stored(rooms, "c1")) == ([], [])
    await rooms.inbound.round(rooms.sweep)
    assert await rooms.state(id_) is EntryState.CONFIRMED
