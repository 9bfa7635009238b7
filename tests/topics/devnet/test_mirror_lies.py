"""A lying mirror lies as told, of the messages it was told to, and a forged history fits itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.topics.devnet.ground import Ground
from topics.devnet.faults import Fault, Faults, Field, Place
from topics.devnet.mirror_lies import Lies, alter
from topics.devnet.state import OPERATOR
from topics.errors import RunningHashMismatch, SequenceGap
from topics.running_hash import Verifier
from topics.values import START, AccountId, ChunkInfo, Position, TopicId, TopicMessage, TransactionId


class Liar:
    """A topic with five messages, and a mirror's page of them all."""

    def __init__(self) -> None:
        ground = Ground()
        self.topic_id = ground.create_topic()
        for number in range(5):
            ground.run(ground.submit(self.topic_id, b"message %d" % number))
        self.timeline = ground.network.mirror.topics[self.topic_id].messages
        self.truth = list(self.timeline.walk(range(5), descending=False))
        self.faults = Faults()

    def lies(self) -> Lies:
        def asking(ask: Callable[[Fault, Place], object]) -> Callable[..., object]:
            return lambda fault, sequence: ask(fault, Place(topic=self.topic_id, sequence=sequence))

        return Lies(self.timeline, strike=asking(self.faults.strike), find=asking(self.faults.find))  # type: ignore[arg-type]

    def told(self) -> list[TopicMessage]:
        lies = self.lies()
        return [*lies.tell(self.truth), *lies.rest()]

    def order(self) -> list[int]:
        return [each.sequence for each in self.told()]


def test_the_truth_unless_told_otherwise() -> None:
    liar = Liar()
    assert liar.told() == liar.truth


def test_dropped_repeated_and_reordered() -> None:
    liar = Liar()
    liar.faults.inject(Fault.MESSAGE_DROPPED, sequence=2)
    assert liar.order() == [1, 3, 4, 5]
    liar.faults.inject(Fault.MESSAGE_REPEATED, sequence=3)
    assert liar.order() == [1, 3, 3, 4, 5]
    liar.faults.inject(Fault.MESSAGE_REORDERED, sequence=4)
    assert liar.order() == [1, 3, 3, 5, 4]
    liar.faults.clear()
    liar.faults.inject(Fault.MESSAGE_REORDERED, times=1)
    assert liar.order() == [2, 1, 3, 4, 5]
    liar.faults.inject(Fault.MESSAGE_REORDERED, sequence=5)
    assert liar.order() == [1, 2, 3, 4, 5], "there is none behind the last"


def test_in_a_stream_a_message_waits_for_the_next() -> None:
    liar = Liar()
    lies = liar.lies()
    liar.faults.inject(Fault.MESSAGE_REORDERED, sequence=1)
    assert list(lies.tell(liar.truth[:1])) == []
    assert [each.sequence for each in lies.tell(liar.truth[1:2])] == [2, 1]


def test_so_many_messages() -> None:
    liar = Liar()
    liar.faults.inject(Fault.MESSAGE_DROPPED, times=2)
    assert liar.order() == [3, 4, 5]
    assert liar.order() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("what", list(Field))
def test_one_thing_is_altered_and_the_verifier_sees_it(what: Field) -> None:
    liar = Liar()
    liar.faults.inject(Fault.MESSAGE_ALTERED, sequence=3, field=what)
    told = liar.told()
    assert [mine == theirs for mine, theirs in zip(told, liar.truth, strict=True)] == [True, True, False, True, True]
    verifier = Verifier(liar.topic_id, START)
    for each in told[:2]:
        verifier.accept(each)
    if what is Field.CHUNK:
        # The running hash doesn't cover the chunk info: that is for the frames' own checks.
        verifier.accept(told[2])
        return
    with pytest.raises((RunningHashMismatch, SequenceGap)):
        verifier.accept(told[2])


def test_other_chunks() -> None:
    initial = TransactionId(OPERATOR, 5)
    message = TopicMessage(TopicId(0, 0, 7), 1, 9, b"x", b"h", OPERATOR, ChunkInfo(initial, 1, 2))
    assert alter(message, Field.CHUNK).chunk == ChunkInfo(initial, 2, 3)
    whole = TopicMessage(TopicId(0, 0, 7), 1, 9, b"x", b"h", OPERATOR, None)
    assert alter(whole, Field.CHUNK).chunk == ChunkInfo(TransactionId(OPERATOR, 9), 1, 2)
    assert alter(whole, Field.PAYER).payer == AccountId(0, 0, OPERATOR.num + 1)


@pytest.mark.parametrize("first", [1, 3, 5])
def test_a_forged_history_fits_itself(first: int) -> None:
    liar = Liar()
    liar.faults.inject(Fault.MESSAGE_FORGED, from_sequence=first)
    told, verifier = liar.told(), Verifier(liar.topic_id, START)
    for each in told:
        verifier.accept(each)
    differs = [mine.running_hash != theirs.running_hash for mine, theirs in zip(told, liar.truth, strict=True)]
    assert differs == [number >= first for number in range(1, 6)]
    assert [mine.message == theirs.message for mine, theirs in zip(told, liar.truth, strict=True)].count(False) == 1
    # Asked for in pieces, in any order, it is the same history.
    apart = [next(liar.lies().tell([each])) for each in reversed(liar.truth)]
    assert apart == told[::-1]
    if first > 1:
        anchored = Verifier(liar.topic_id, Position(first - 1, 0, liar.truth[first - 2].running_hash))
        anchored.accept(told[first - 1])
