"""What a stream's word is worth: it moves a topic on by what is whole, follows and opens, and does no other thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from bridge.relay import progress
from bridge.relay.tail import Progress
from tests.bridge.relay.bent_mirror import chained, ids, publish
from tests.rooms import Rooms
from topics.mirror.answers import Page
from topics.values import START, ChunkInfo, Position, TopicId, TopicMessage, TransactionId

LONG = "x" * 2_000

Forge = Callable[[list[TopicMessage]], Sequence[TopicMessage]]


def position_of(message: TopicMessage) -> Position:
    return Position(message.sequence, message.consensus_ns, message.running_hash)


async def kept(rooms: Rooms, topic_id: TopicId) -> Progress:
    assert await rooms.database.read(lambda c: progress.halted(c, topic_id)) is None
    return await rooms.database.read(lambda c: progress.of(c, topic_id))


async def shown(rooms: Rooms) -> tuple[TopicId, list[bytes], list[TopicMessage]]:
    """A topic with a manifest, a frame, one in chunks and one more: none of it read so far."""
    accepted = [*await publish(rooms, "c1"), *await publish(rooms, "c1", text=LONG), *await publish(rooms, "c1")]
    topic_id = await rooms.topic("c1")
    return topic_id, accepted, list(await rooms.mirror.messages(topic_id, after=0))


async def test_a_stream_moves_the_topic_on_and_what_comes_again_is_nothing_new(rooms: Rooms) -> None:
    topic_id, accepted, messages = await shown(rooms)
    assert await rooms.inbound.position(topic_id) == START
    for message in messages[:2]:
        assert await rooms.inbound.take(topic_id, [message]) == []
    assert rooms.inbound.stored(topic_id) == 2
    assert await rooms.inbound.take(topic_id, messages) == []
    assert ids(rooms.news, "c1") == accepted
    assert await rooms.inbound.position(topic_id) == position_of(messages[-1])
    await rooms.inbound.round(rooms.sweep)
    assert ids(rooms.news, "c1") == accepted


async def test_chunks_wait_for_the_others_and_are_stored_together(rooms: Rooms) -> None:
    topic_id, accepted, messages = await shown(rooms)
    assert await rooms.inbound.take(topic_id, messages[:3]) == messages[2:3]
    assert await rooms.inbound.position(topic_id) == position_of(messages[1])
    assert await rooms.inbound.take(topic_id, messages[2:]) == []
    assert ids(rooms.news, "c1") == accepted


async def test_chunks_that_rest_brought_need_not_come_again(rooms: Rooms) -> None:
    topic_id, accepted, messages = await shown(rooms)
    assert await rooms.inbound._relay_page(topic_id, Page(messages[:3], rooms.mirror.url), asked=0)
    assert await rooms.inbound.take(topic_id, messages[3:]) == []
    assert ids(rooms.news, "c1") == accepted
    assert await rooms.inbound.position(topic_id) == position_of(messages[-1])


def garbage(messages: list[TopicMessage]) -> Sequence[TopicMessage]:
    return chained(
        [replace(message, message=b"garbage", chunk=None) for message in messages[1:]], position_of(messages[0])
    )


def replayed(messages: list[TopicMessage]) -> Sequence[TopicMessage]:
    later = [replace(messages[1], consensus_ns=message.consensus_ns) for message in messages[1:4]]
    return chained(later, position_of(messages[0]))


def without_end(messages: list[TopicMessage]) -> Sequence[TopicMessage]:
    assert messages[1].payer is not None
    endless = ChunkInfo(TransactionId(messages[1].payer, 1), 1, 2)
    return [replace(messages[1], chunk=endless), *messages[2:]]


def numbered_wrong(messages: list[TopicMessage]) -> Sequence[TopicMessage]:
    """Chunk 7 of 2."""
    info = messages[3].chunk
    assert info is not None
    return [*messages[1:3], replace(messages[3], chunk=replace(info, number=7)), *messages[4:]]


def another_time(messages: list[TopicMessage]) -> Sequence[TopicMessage]:
    """Sound in itself, only not what our receipt says."""
    return chained([replace(messages[1], consensus_ns=messages[1].consensus_ns + 1)], position_of(messages[0]))


def with_a_gap(messages: list[TopicMessage]) -> Sequence[TopicMessage]:
    return messages[2:]


@pytest.mark.parametrize("forge", [garbage, replayed, without_end, numbered_wrong, another_time, with_a_gap])
async def test_what_a_stream_makes_up_is_dropped_and_rest_reads_the_topic(rooms: Rooms, forge: Forge) -> None:
    topic_id, accepted, messages = await shown(rooms)
    await rooms.inbound.take(topic_id, messages[:1])
    before = await kept(rooms, topic_id)
    for _ in range(2):
        await rooms.inbound.take(topic_id, forge(messages))
        now = await kept(rooms, topic_id)
        assert now.skipped == 0
        assert now.resume.sequence == now.opened_sequence
        assert now == before or forge is numbered_wrong  # whose first message is sound
    assert await rooms.inbound.position(topic_id) == now.resume
    await rooms.inbound.round(rooms.sweep)
    assert ids(rooms.news, "c1") == accepted
    now = await kept(rooms, topic_id)
    assert (now.resume, now.skipped) == (position_of(messages[-1]), 0)


@pytest.mark.parametrize("lie", ["garbage", "replay", "chunks", "chunk", "no chunk"])
async def test_a_forged_end_behind_all_receipts_does_not_move_the_topic(rooms: Rooms, lie: str) -> None:
    """Its hashes fit, and nothing of ours contradicts it: but it gives nothing, and what comes next stands there."""
    topic_id, accepted, messages = await shown(rooms)
    assert await rooms.inbound.take(topic_id, messages) == []
    before, last = await kept(rooms, topic_id), messages[-1]
    later = replace(last, consensus_ns=last.consensus_ns + 1)
    assert last.payer is not None
    first = TransactionId(last.payer, 1)
    made_up = {
        "garbage": [replace(later, message=b"garbage")],
        "replay": [later],
        "chunks": [replace(later, chunk=ChunkInfo(first, number, 2)) for number in (7, 8)],
        "chunk": [replace(later, chunk=ChunkInfo(first, 2, 1))],
        "no chunk": [replace(later, chunk=ChunkInfo(first, 0, 0))],
    }
    moved = [replace(each, consensus_ns=later.consensus_ns + at) for at, each in enumerate(made_up[lie])]
    forged = chained(moved, position_of(last))
    for _ in range(2):
        await rooms.inbound.take(topic_id, forged)
        assert await kept(rooms, topic_id) == before
    accepted += await publish(rooms, "c1")
    await rooms.inbound.round(rooms.sweep)
    assert ids(rooms.news, "c1") == accepted
    assert (await kept(rooms, topic_id)).skipped == 0


async def test_a_halted_topic_takes_nothing_from_a_stream(rooms: Rooms) -> None:
    topic_id, _, messages = await shown(rooms)
    await rooms.inbound.take(topic_id, messages[:1])
    await rooms.database.write(lambda c: progress.halt(c, topic_id, "an operator looks at it"))
    rooms.inbound._followed.drop(topic_id)
    assert await rooms.inbound.position(topic_id) is None
    assert await rooms.inbound.take(topic_id, messages) == []
    assert rooms.news == []


async def test_a_topic_that_is_not_ours_is_not_followed(rooms: Rooms) -> None:
    assert await rooms.inbound.position(TopicId(0, 0, 99)) is None
