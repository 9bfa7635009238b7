"""The running hash of a topic, version 3, and the check that a message continues it.

The consensus node hashes what a Java `ObjectOutputStream` wrote, stream framing included (HCS running hash
version 3, `ConsensusSubmitMessageHandler` of the consensus node); the concatenation that the proto's comment
lists gives another value.
"""

from __future__ import annotations

import hashlib
import struct

from topics.errors import RunningHashMismatch, SequenceGap
from topics.values import HASH_BYTES, NANOS, AccountId, Position, TopicId, TopicMessage

VERSION = 3

# Stream header, then a byte[] class descriptor (serialVersionUID 0xacf317f8060854e0) and the array's length.
_BYTE_ARRAY = bytes.fromhex("aced0005757200025b42acf317f8060854e00200007870") + struct.pack(">I", HASH_BYTES)
# A block of 0x4c raw bytes: the version, six longs of ids, seconds, nanos (an int), sequence number.
_BLOCK = bytes.fromhex("774c")
_FIELDS = struct.Struct(">q6qqiq")
# A second byte[], whose class descriptor refers back to the first (handle 0x7e0000).
_BYTE_ARRAY_AGAIN = bytes.fromhex("7571007e0000") + struct.pack(">I", HASH_BYTES)


def next_running_hash(
    previous: bytes, message: bytes, *, payer: AccountId, topic_id: TopicId, consensus_ns: int, sequence: int
) -> bytes:
    """The 48 bytes behind `message`, given the 48 bytes before it.

    `payer` is the account of the transaction id; `message` is one chunk's bytes; `sequence` counts chunks from 1.
    """
    seconds, nanos = divmod(consensus_ns, NANOS)
    fields = _FIELDS.pack(
        VERSION,
        payer.shard,
        payer.realm,
        payer.num,
        topic_id.shard,
        topic_id.realm,
        topic_id.num,
        seconds,
        nanos,
        sequence,
    )
    digest = hashlib.sha384(message).digest()
    return hashlib.sha384(b"".join((_BYTE_ARRAY, previous, _BLOCK, fields, _BYTE_ARRAY_AGAIN, digest))).digest()


class Verifier:
    """Holds the position up to which a topic is verified, and moves it by one message at a time."""

    def __init__(self, topic_id: TopicId, position: Position) -> None:
        self.topic_id = topic_id
        self.position = position

    def accept(self, message: TopicMessage) -> Position:
        """Take the next message; the position behind it comes back.

        Raises SequenceGap or RunningHashMismatch, with the position unchanged. The message must carry its payer.
        """
        before = self.position
        if message.topic_id != self.topic_id or message.sequence != before.sequence + 1:
            raise SequenceGap(self.topic_id, expected=before.sequence + 1, got=message.sequence)
        computed = self._hash_behind(message)
        if (
            computed != message.running_hash
            or message.running_hash_version != VERSION
            or message.consensus_ns <= before.consensus_ns
        ):
            raise RunningHashMismatch(self.topic_id, message.sequence, expected=computed, got=message.running_hash)
        self.position = Position(message.sequence, message.consensus_ns, computed)
        return self.position

    def _hash_behind(self, message: TopicMessage) -> bytes:
        if message.payer is None:
            raise ValueError("a message without its payer can't be verified; ask the mirror's REST for it")
        return next_running_hash(
            self.position.running_hash,
            message.message,
            payer=message.payer,
            topic_id=message.topic_id,
            consensus_ns=message.consensus_ns,
            sequence=message.sequence,
        )
