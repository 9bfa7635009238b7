"""One subscription to a topic: what was asked for, and how far it has been given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from topics.devnet import protos
from topics.devnet.mirror_index import Timeline
from topics.devnet.mirror_parameters import MAX_INT64
from topics.ledger.hapi import mirror_consensus
from topics.values import TopicId, TopicMessage


class InvalidQuery(Exception):
    """INVALID_ARGUMENT."""


@dataclass(frozen=True, slots=True)
class Asked:
    """From `start_ns` on, up to but without `end_ns` (None: without end), at most `limit` messages (0: all)."""

    topic_id: TopicId
    start_ns: int
    end_ns: int | None
    limit: int


def read_subscription(query: mirror_consensus.ConsensusTopicQuery, now_ns: int) -> Asked:
    """What a client asks for; without a start time from now on, as the real one has it. Raises InvalidQuery."""
    if not query.HasField("topicID"):
        raise InvalidQuery("Missing required topicID")
    start_ns = protos.read_time(query.consensusStartTime) if query.HasField("consensusStartTime") else now_ns
    end_ns = protos.read_time(query.consensusEndTime) if query.HasField("consensusEndTime") else None
    if start_ns > now_ns:
        raise InvalidQuery("Start time must be before the current time")
    if end_ns is not None and end_ns <= start_ns:
        raise InvalidQuery("End time must be after start time")
    return Asked(protos.read_topic(query.topicID), start_ns, end_ns, query.limit)


class Subscription:
    """Gives each message once, in order."""

    def __init__(self, asked: Asked, messages: Timeline[TopicMessage]) -> None:
        self._asked = asked
        self._messages = messages
        self._next = messages.indices(asked.start_ns, MAX_INT64).start
        self._given = 0

    def due(self, horizon_ns: int) -> Iterator[TopicMessage]:
        """What wasn't given yet of that which the mirror has up to `horizon_ns`."""
        last_ns = horizon_ns if self._asked.end_ns is None else min(horizon_ns, self._asked.end_ns - 1)
        stop = self._messages.indices(0, last_ns).stop
        while self._next < stop and not self._full:
            message = self._messages.at(self._next)
            self._next += 1
            self._given += 1
            yield message

    def ended(self, fresh_ns: int) -> bool:
        """Whether nothing can come any more, now that the mirror knows everything up to `fresh_ns`.

        The real one waits for half a minute more, by its own clock.
        """
        return self._full or (self._asked.end_ns is not None and fresh_ns >= self._asked.end_ns)

    @property
    def _full(self) -> bool:
        return 0 < self._asked.limit <= self._given
