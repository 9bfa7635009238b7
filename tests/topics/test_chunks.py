"""Chunks come together whatever their order and company; what never finishes is buried, and bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from topics.chunks import Assembler, Tombstone, Whole, split
from topics.values import NANOS, START, AccountId, ChunkInfo, Position, TopicId, TopicMessage, TransactionId

TOPIC, PAYER = TopicId(0, 0, 7001), AccountId(0, 0, 1001)
Part = tuple[bytes, ChunkInfo | None]


def parts(data: bytes, name: int, *, payer: AccountId = PAYER, size: int = 4) -> list[Part]:
    chunks = split(data, size)
    initial = TransactionId(payer, name)
    return [(chunk, ChunkInfo(initial, number, len(chunks))) for number, chunk in enumerate(chunks, 1)]


def topic(stream: list[Part], *, gap_ns: int = NANOS) -> list[TopicMessage]:
    return [
        TopicMessage(TOPIC, at, at * gap_ns, chunk, bytes([at % 256]) * 48, info.initial.payer if info else PAYER, info)
        for at, (chunk, info) in enumerate(stream, 1)
    ]


def feed(assembler: Assembler, messages: list[TopicMessage], before: Position = START) -> list[Whole]:
    out = []
    for message in messages:
        whole = assembler.add(message, before)
        before = after(message)
        out += [whole] if whole else []
    return out


def after(message: TopicMessage) -> Position:
    return Position(message.sequence, message.consensus_ns, message.running_hash)


def buried(assembler: Assembler, messages: list[TopicMessage], before: Position = START) -> list[tuple[int, Tombstone]]:
    """Every tombstone, with the message that made it one."""
    found = []
    for message in messages:
        assembler.add(message, before)
        before = after(message)
        found += [(message.sequence, tomb) for tomb in assembler.take_tombstones()]
    return found


def roomy() -> Assembler:
    return Assembler(max_open_bytes=1_000_000, expire_sequences=10_000, expire_s=86_400)


@given(data=st.binary(min_size=1, max_size=5000), size=st.integers(1, 1500))
def test_split_is_undone_by_joining(data: bytes, size: int) -> None:
    chunks = split(data, size)
    assert b"".join(chunks) == data
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert 1 <= len(chunks[-1]) <= size


def test_an_empty_message_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one byte"):
        split(b"")


def test_a_message_of_one_part_is_whole_with_or_without_chunk_info() -> None:
    assembler = roomy()
    messages = topic([(b"plain", None), *parts(b"one", 1)])
    assert [whole.data for whole in feed(assembler, messages)] == [b"plain", b"one"]
    assert assembler.resume is None
    assert assembler.open_bytes == 0


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Part], dict[int, bytes]]:
    """Messages of several writers, their chunks shuffled and mixed, some of them sent twice."""
    contents = draw(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=5))
    all_parts = [part for name, data in enumerate(contents) for part in parts(data, name)]
    return draw(st.permutations(all_parts)), dict(enumerate(contents))


@given(streams())
def test_any_order_and_mixture_gives_each_message_once(stream: tuple[list[Part], dict[int, bytes]]) -> None:
    shuffled, contents = stream
    messages = topic(shuffled)
    wholes = feed(assembler := roomy(), messages)
    assert sorted(whole.data for whole in wholes) == sorted(contents.values())
    assert [whole.sequence for whole in wholes] == sorted(whole.sequence for whole in wholes)
    for whole in wholes:
        last = messages[whole.sequence - 1]
        assert (whole.consensus_ns, whole.running_hash) == (last.consensus_ns, last.running_hash)
        assert whole.first_sequence <= whole.sequence
    assert (assembler.resume, assembler.open_bytes, assembler.take_tombstones()) == (None, 0, [])


@given(streams(), st.data())
def test_started_again_at_resume_it_completes_the_same(
    stream: tuple[list[Part], dict[int, bytes]], data: st.DataObject
) -> None:
    messages = topic(stream[0])
    cut = data.draw(st.integers(0, len(messages)))
    before = roomy()
    early = feed(before, messages[:cut])
    at = before.resume or (
        Position(cut, messages[cut - 1].consensus_ns, messages[cut - 1].running_hash) if cut else START
    )
    again = feed(roomy(), messages[at.sequence :], at)
    assert early + [whole for whole in again if whole.sequence > cut] == feed(roomy(), messages)


@given(streams(), st.data())
def test_repeated_chunks_of_an_unfinished_message_are_counted_and_change_nothing(
    stream: tuple[list[Part], dict[int, bytes]], data: st.DataObject
) -> None:
    shuffled, contents = stream
    doubled = [part for part in shuffled for _ in range(data.draw(st.integers(1, 2)))]
    wholes = feed(assembler := roomy(), topic(doubled))
    # what comes again after completion may wait for company, but never completes anything twice
    assert sorted(whole.data for whole in wholes if whole.first_sequence != whole.sequence) == sorted(
        content for content in contents.values() if len(content) > 4
    )
    assert assembler.conflicts == 0


def test_a_chunk_that_contradicts_an_earlier_one_loses() -> None:
    one, two = parts(b"aaaabbbb", 1)
    forged = (b"XXXX", one[1])
    other_total = (b"bbbb", replace(two[1], total=3)) if two[1] else two
    beyond = (b"bbbb", replace(two[1], number=9)) if two[1] else two
    assembler = roomy()
    wholes = feed(assembler, topic([one, forged, other_total, beyond, one, two]))
    assert [whole.data for whole in wholes] == [b"aaaabbbb"]
    assert (assembler.conflicts, assembler.duplicates) == (3, 1)


def test_another_payer_cannot_add_to_a_message() -> None:
    one, two = topic(parts(b"aaaabbbb", 1))
    thief = replace(one, payer=AccountId(0, 0, 666), message=b"evil")
    renumbered = [replace(message, sequence=at, consensus_ns=at) for at, message in enumerate([thief, one, two], 1)]
    assert [whole.data for whole in feed(roomy(), renumbered)] == [b"aaaabbbb"]


def test_the_payer_may_be_known_from_chunk_info_alone() -> None:
    messages = [replace(message, payer=None) for message in topic(parts(b"aaaabbbb", 1))]
    assert [whole.data for whole in feed(roomy(), messages)] == [b"aaaabbbb"]


def test_resume_is_where_nothing_was_unfinished() -> None:
    old, new = parts(b"aaaabbbb", 1), parts(b"ccccdddd", 2)
    messages = topic([(b"x", None), old[0], new[0], old[1]])
    assembler = roomy()
    feed(assembler, messages[:3])
    assert assembler.resume == Position(1, messages[0].consensus_ns, messages[0].running_hash)
    assembler.add(messages[3], Position(3, messages[2].consensus_ns, messages[2].running_hash))
    assert assembler.resume == Position(1, messages[0].consensus_ns, messages[0].running_hash)


def test_resume_is_just_before_the_oldest_unfinished_message_where_that_is_far() -> None:
    """One message after another begins before the last one ends: nobody can make a restart read everything again."""
    stream = [part for name in range(30) for part in parts(b"aaaabbbb", name)]
    stream[1:-1] = [each for at in range(1, 59, 2) for each in (stream[at + 1], stream[at])]
    messages = topic(stream)
    feed(assembler := Assembler(max_open_bytes=10_000, expire_sequences=10, expire_s=5), messages[:-1])
    assert assembler.resume == Position(57, messages[56].consensus_ns, messages[56].running_hash)


@given(streams(), st.lists(st.integers(0, 30), max_size=4), st.data())
def test_what_is_never_finished_is_buried_once_wherever_one_begins_again(
    stream: tuple[list[Part], dict[int, bytes]], orphans: list[int], data: st.DataObject
) -> None:
    """Chunks of what was complete or buried before are not taken for something unfinished."""

    def reader() -> Assembler:
        return Assembler(max_open_bytes=700, expire_sequences=12, expire_s=5)  # some expire, some make room

    stream[0].extend((b"filler", None) for _ in range(data.draw(st.integers(0, 20))))
    for name, place in enumerate(orphans, 100):
        stream[0].insert(place, parts(b"aaaabbbbcccc", name)[name % 3])
    messages = topic(stream[0])
    cut = data.draw(st.integers(0, len(messages)))
    feed(before := reader(), messages[:cut])
    assume(before.resume in (None, before._idle_until))
    early = buried(reader(), messages[:cut])
    at = before.resume or (after(messages[cut - 1]) if cut else START)
    again = buried(reader(), messages[at.sequence :], at)
    assert early + [each for each in again if each[0] > cut] == buried(reader(), messages)


@pytest.mark.parametrize(
    ("gap_ns", "followers", "buried"),
    [(NANOS, 11, 1), (NANOS, 10, 0), (1, 50, 0)],
    ids=["old and far back", "not far back", "not old"],
)
def test_expiry_needs_both_time_and_distance(gap_ns: int, followers: int, buried: int) -> None:
    assembler = Assembler(max_open_bytes=10_000, expire_sequences=10, expire_s=5)
    orphan = parts(b"aaaabbbbcccc", 1)[1]
    feed(assembler, topic([orphan, *[(b"x", None)] * followers], gap_ns=gap_ns))
    assert assembler.buried == buried
    assert (assembler.resume is None) == bool(buried)
    if buried:
        [tomb] = assembler.take_tombstones()
        assert (tomb.first_sequence, tomb.numbers, tomb.total, tomb.reason) == (1, (2,), 3, "expired")
        assert tomb.initial == TransactionId(PAYER, 1)
    assert assembler.take_tombstones() == []


@given(st.lists(st.tuples(st.integers(0, 50), st.binary(min_size=1, max_size=1024)), max_size=80))
def test_unfinished_messages_are_bounded_in_bytes(orphans: list[tuple[int, bytes]]) -> None:
    assembler = Assembler(max_open_bytes=8_000, expire_sequences=10_000, expire_s=86_400)
    before = START
    for message in topic([(chunk, ChunkInfo(TransactionId(PAYER, name), 2, 3)) for name, chunk in orphans]):
        assembler.add(message, before)
        before = Position(message.sequence, message.consensus_ns, message.running_hash)
        assert assembler.open_bytes <= 8_000
        assert all(tomb.reason == "full" for tomb in assembler.take_tombstones())


def test_a_message_too_large_to_hold_is_buried_and_the_next_passes() -> None:
    assembler = Assembler(max_open_bytes=1_000, expire_sequences=10, expire_s=5)
    stream = [*parts(bytes(4000), 1, size=1024), *parts(b"aaaabbbb", 2)]
    assert [whole.data for whole in feed(assembler, topic(stream))] == [b"aaaabbbb"]
    assert assembler.buried >= 1
