"""A topic that others may write to: whatever they make up, honest messages come whole and memory stays bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topics.test_chunks import PAYER, after, buried, feed, parts, roomy, topic
from topics.chunks import Assembler, Whole
from topics.values import NANOS, START, AccountId, ChunkInfo, Position, TopicMessage, TransactionId

HOSTILE = AccountId(0, 0, 666)
NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 2, 3, 4, 2**31 - 1, 2**31])


@st.composite
def besieged(draw: st.DrawFn) -> tuple[list[TopicMessage], list[bytes]]:
    """Two honest writers, their chunks in any order and some twice, among whatever a third makes up in their names."""
    contents = [draw(st.binary(min_size=5, max_size=40)) for _ in range(2)]
    honest = [
        part for name, data in enumerate(contents) for part in parts(data, name, payer=AccountId(0, 0, 10 + name))
    ]
    doubled = draw(st.permutations(honest + draw(st.lists(st.sampled_from(honest), max_size=4))))
    made_up = st.builds(
        lambda name, number, total, data: (data, ChunkInfo(TransactionId(HOSTILE, name), number, total)),
        st.integers(0, 2),
        NUMBERS,
        NUMBERS,
        st.binary(min_size=1, max_size=8),
    )
    stream = list(doubled)
    for part in draw(st.lists(made_up, max_size=20)):
        stream.insert(draw(st.integers(0, len(stream))), part)
    return topic(stream), contents


@given(besieged())
def test_whatever_another_writer_makes_up_honest_messages_come_whole(
    siege: tuple[list[TopicMessage], list[bytes]],
) -> None:
    messages, contents = siege
    wholes = feed(assembler := roomy(), messages)
    found = [whole.data for whole in wholes if whole.payer != HOSTILE]
    assert set(found) == set(contents)
    end = messages[-1]
    assembler.add(
        replace(end, sequence=end.sequence + 10_001, consensus_ns=end.consensus_ns + 86_401 * NANOS, chunk=None),
        Position(end.sequence, end.consensus_ns, end.running_hash),
    )
    assert (assembler.resume, assembler.open_bytes, assembler._held) == (None, 0, {})


@given(siege=besieged(), cut=st.integers(0, 100))
def test_started_again_in_the_middle_of_a_siege_nothing_is_lost_or_new(
    siege: tuple[list[TopicMessage], list[bytes]], cut: int
) -> None:
    messages, _ = siege
    cut = min(cut, len(messages))
    feed(before := roomy(), messages[:cut])
    last = messages[cut - 1] if cut else None
    at = before.resume or (Position(cut, last.consensus_ns, last.running_hash) if last else START)
    through = feed(roomy(), messages)
    # What came whole before the cut may come once more, if somebody repeats all of its chunks: a replay to its readers.
    earlier = {whole.data for whole in through if whole.sequence <= cut}

    def behind(wholes: list[Whole]) -> list[Whole]:
        return [whole for whole in wholes if whole.sequence > cut and whole.data not in earlier]

    assert behind(feed(roomy(), messages[at.sequence :], at)) == behind(through)


@pytest.mark.parametrize(("number", "total"), [(0, 2), (-1, 2), (3, 2), (1, 0), (1, -1), (0, 0), (2, 1)])
def test_a_place_that_cannot_be_is_counted_and_held_by_nobody(number: int, total: int) -> None:
    assembler = roomy()
    assert feed(assembler, topic([(b"x", ChunkInfo(TransactionId(PAYER, 1), number, total))])) == []
    assert (assembler.conflicts, assembler.resume, assembler.open_bytes) == (1, None, 0)


@pytest.mark.parametrize("total", [5_000, 2**31])
def test_a_message_that_can_never_fit_holds_nothing_back(total: int) -> None:
    assembler = roomy()
    feed(assembler, topic([(b"x", ChunkInfo(TransactionId(PAYER, 1), 2, total))]))
    assert (assembler.resume, assembler.open_bytes) == (None, 0)
    [tomb] = assembler.take_tombstones()
    assert (tomb.reason, tomb.numbers, tomb.total, tomb.first_sequence) == ("too long", (2,), total, 1)


def test_who_floods_a_topic_buries_its_own() -> None:
    assembler = Assembler(max_open_bytes=8_000, expire_sequences=10_000, expire_s=86_400)
    one, two = parts(b"aaaabbbb", 1)
    flood = [(bytes(1024), ChunkInfo(TransactionId(HOSTILE, name), 1, 2)) for name in range(50)]
    messages = topic([one, *flood, two])
    graves = buried(assembler, messages[:-1])
    assert {tomb.payer for _, tomb in graves} == {HOSTILE}
    assert [whole.data for whole in feed(assembler, messages[-1:], after(messages[-2]))] == [b"aaaabbbb"]
    assert assembler.open_bytes <= 8_000
