"""What a lying mirror makes of a topic's messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from topics.devnet.faults import Fault, Field, Standing
from topics.devnet.mirror_index import Timeline
from topics.running_hash import next_running_hash
from topics.values import START, AccountId, ChunkInfo, TopicId, TopicMessage, TransactionId

Struck = Callable[[Fault, int], Standing | None]


class Lies:
    """For one REST page, or one stream. `strike` and `find` tell which fault stands for a sequence number.

    `truth` holds the topic's messages from the first on.
    """

    def __init__(self, truth: Timeline[TopicMessage], *, strike: Struck, find: Struck) -> None:
        self._truth = truth
        self._strike = strike
        self._find = find
        self._held: list[TopicMessage] = []
        self._forged_up_to = (0, b"")

    def tell(self, messages: Iterable[TopicMessage]) -> Iterator[TopicMessage]:
        """What is shown instead. A message that was put behind the next waits for it, here or in the next call."""
        for message in messages:
            sequence = message.sequence
            shown = self._forge(message)
            altered = self._strike(Fault.MESSAGE_ALTERED, sequence)
            if altered is not None:
                shown = alter(shown, altered.asked.get("field") or Field.MESSAGE)
            if self._strike(Fault.MESSAGE_DROPPED, sequence):
                continue
            copies = [shown] * (2 if self._strike(Fault.MESSAGE_REPEATED, sequence) else 1)
            if not self._held and self._strike(Fault.MESSAGE_REORDERED, sequence):
                self._held = copies
                continue
            yield from copies
            yield from self.rest()

    def rest(self) -> Iterator[TopicMessage]:
        """What still waits for a next one."""
        held, self._held = self._held, []
        yield from held

    def _forge(self, message: TopicMessage) -> TopicMessage:
        """The message in a history that is another one from some message on, and consistent in itself."""
        forged = self._find(Fault.MESSAGE_FORGED, message.sequence)
        first = 1 if forged is None else forged.asked.get("from_sequence") or 1
        if forged is None or message.sequence < first:
            return message
        self._strike(Fault.MESSAGE_FORGED, message.sequence)
        done, running_hash = self._forged_up_to
        if not first <= done < message.sequence:
            done, running_hash = first - 1, self._truth.at(first - 2).running_hash if first > 1 else START.running_hash
        made = message
        for index in range(done, message.sequence):
            made = self._truth.at(index)
            if made.sequence == first:
                made = alter(made, Field.MESSAGE)
            running_hash = _hash_behind(running_hash, made)
        self._forged_up_to = (message.sequence, running_hash)
        return replace(made, running_hash=running_hash)


def alter(message: TopicMessage, what: Field) -> TopicMessage:
    """The message with one thing of it another."""
    match what:
        case Field.MESSAGE:
            return replace(message, message=_flipped(message.message))
        case Field.RUNNING_HASH:
            return replace(message, running_hash=_flipped(message.running_hash))
        case Field.SEQUENCE:
            return replace(message, sequence=message.sequence + 1)
        case Field.TIMESTAMP:
            return replace(message, consensus_ns=message.consensus_ns + 1)
        case Field.PAYER:
            payer = message.payer or AccountId(0, 0, 0)
            return replace(message, payer=AccountId(payer.shard, payer.realm, payer.num + 1))
        case Field.TOPIC:
            topic = message.topic_id
            return replace(message, topic_id=TopicId(topic.shard, topic.realm, topic.num + 1))
        case Field.CHUNK:
            return replace(message, chunk=_other_chunk(message))


def _other_chunk(message: TopicMessage) -> ChunkInfo:
    """A whole message becomes the first half of one, a chunk becomes the next."""
    if message.chunk is not None:
        return replace(message.chunk, number=message.chunk.number + 1, total=message.chunk.total + 1)
    initial = TransactionId(message.payer or AccountId(0, 0, 0), message.consensus_ns)
    return ChunkInfo(initial, 1, 2)


def _flipped(content: bytes) -> bytes:
    # The middle: where a frame begins and ends, readers look for other reasons.
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _hash_behind(previous: bytes, message: TopicMessage) -> bytes:
    if message.payer is None:
        raise ValueError("the ledger knows who paid for every message")
    return next_running_hash(
        previous,
        message.message,
        payer=message.payer,
        topic_id=message.topic_id,
        consensus_ns=message.consensus_ns,
        sequence=message.sequence,
    )
