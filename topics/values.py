"""The values of the Hedera Consensus Service, as the rest of the program passes them around."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

NANOS = 1_000_000_000
HASH_BYTES = 48

_ENTITY = re.compile(r"(\d{1,19})\.(\d{1,19})\.(\d{1,19})")
_TIMESTAMP = re.compile(r"(\d{1,12})(?:\.(\d{1,9}))?")
_TRANSACTION = re.compile(r"(\d+\.\d+\.\d+)[-@](\d{1,12})[-.](\d{1,9})")


@lru_cache(maxsize=1000)  # a mirror names the same few in row after row
def _numbers(text: str) -> tuple[int, int, int]:
    match = _ENTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an id like 0.0.7")
    shard, realm, num = match.groups()
    return int(shard), int(realm), int(num)


@dataclass(frozen=True, slots=True, order=True)
class EntityId:
    """shard.realm.num of anything that the ledger numbers (proto: basic_types.proto)."""

    shard: int
    realm: int
    num: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `0.0.7`. Raises ValueError that shows what stood there."""
        return cls(*_numbers(text))

    def __str__(self) -> str:
        return f"{self.shard}.{self.realm}.{self.num}"


class TopicId(EntityId):
    """A topic."""

    __slots__ = ()


class AccountId(EntityId):
    """An account: a payer, a node, a treasury."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class TransactionId:
    """Payer and valid start; executes at most once on the network.

    `str()` gives the mirror's form `0.0.P-sssssssss-nnnnnnnnn`, which is also the only one its REST takes.
    """

    payer: AccountId
    valid_start_ns: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the mirror's form or the SDKs' `0.0.P@s.n`. Raises ValueError."""
        match = _TRANSACTION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a transaction id like 0.0.7-1700000000-000000001")
        payer, seconds, nanos = match.groups()
        return cls(AccountId.parse(payer), int(seconds) * NANOS + int(nanos))

    def __str__(self) -> str:
        seconds, nanos = divmod(self.valid_start_ns, NANOS)
        return f"{self.payer}-{seconds}-{nanos:09d}"


@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """Where a chunk belongs: `number` of `total`, from 1, of the message that `initial` began."""

    initial: TransactionId
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """One HCS message as a mirror shows it; for a chunked message one chunk, which is what sequence counts.

    `payer` is None only where the mirror's gRPC side left it out and no chunk info names it.
    """

    topic_id: TopicId
    sequence: int
    consensus_ns: int
    message: bytes
    running_hash: bytes
    payer: AccountId | None
    chunk: ChunkInfo | None
    running_hash_version: int = 3


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a topic: everything up to `sequence` is verified, and `running_hash` stands behind it."""

    sequence: int
    consensus_ns: int
    running_hash: bytes


START = Position(0, 0, bytes(HASH_BYTES))
"""Before the first message of any topic."""


def parse_timestamp(text: str) -> int:
    """`s.nnnnnnnnn` → nanoseconds. Fewer decimals are a fraction, as the mirror reads them. Raises ValueError."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a timestamp like 1700000000.000000001")
    return int(match[1]) * NANOS + int((match[2] or "0").ljust(9, "0"))


def format_timestamp(ns: int) -> str:
    """Nanoseconds → `s.nnnnnnnnn`, always nine decimals."""
    seconds, nanos = divmod(ns, NANOS)
    return f"{seconds}.{nanos:09d}"
