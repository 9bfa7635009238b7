"""How far each topic has been read, and whether it is halted: one row a topic."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select, update

from bridge import shards
from bridge.relay.tail import MAX_REASON_CHARS, Progress
from bridge.schema import positions
from bridge.statements import upsert
from topics.values import Position, TopicId

_OF = select(positions).where(positions.c.topic_id == bindparam("wanted"))


def known_beginning(connection: Connection) -> tuple[TopicId, str] | None:
    """Some topic whose first message was read, and its channel epoch, which that message's running hash is part of."""
    found = select(positions.c.topic_id, positions.c.channel_epoch).where(positions.c.channel_epoch.is_not(None))
    row = connection.execute(found.limit(1)).one_or_none()
    return None if row is None else (TopicId.parse(row.topic_id), row.channel_epoch)


def of(connection: Connection, topic_id: TopicId) -> Progress:
    """A topic's progress; the very beginning for one that never was read."""
    row = connection.execute(_OF, {"wanted": str(topic_id)}).one_or_none()
    if row is None:
        return Progress()
    return Progress(
        Position(row.sequence, row.consensus_ns, row.running_hash),
        row.opened_sequence,
        row.producer_sequence,
        row.kid,
        row.signed,
        row.channel_epoch,
        row.skipped,
        row.last_skip,
        bool(row.closed),
    )


def keep(connection: Connection, reached: Mapping[TopicId, Progress]) -> None:
    """Move the topics' progress on."""
    upsert(connection, positions, [_row(topic_id, progress) for topic_id, progress in reached.items()])


def _row(topic_id: TopicId, progress: Progress) -> dict[str, object]:
    return {
        "topic_id": str(topic_id),
        "sequence": progress.resume.sequence,
        "consensus_ns": progress.resume.consensus_ns,
        "running_hash": progress.resume.running_hash,
        "opened_sequence": progress.opened_sequence,
        "producer_sequence": progress.producer_sequence,
        "kid": progress.kid,
        "signed": progress.signed,
        "channel_epoch": progress.channel_epoch,
        "skipped": progress.skipped,
        "last_skip": progress.last_skip,
        "closed": progress.closed,
    }


def halt(connection: Connection, topic_id: TopicId, reason: str) -> None:
    """Read no further in this topic; the reason waits for an operator."""
    keep(connection, {topic_id: of(connection, topic_id)})
    connection.execute(
        update(positions).where(positions.c.topic_id == str(topic_id)).values(halted=reason[:MAX_REASON_CHARS])
    )


def resume(connection: Connection, topic_id: TopicId, *, since_ns: int) -> str | None:
    """Let the topic be read on from where it was; why it was halted comes back, None if it wasn't.

    The sweep goes back there, wherever the topic is read: what came since the halt is before its cursor. `since_ns`
    is a time before the topic's first message, for one of which nothing was read.
    """
    reason = halted(connection, topic_id)
    if reason is None:
        return None
    connection.execute(update(positions).where(positions.c.topic_id == str(topic_id)).values(halted=None))
    stopped_ns = of(connection, topic_id).resume.consensus_ns or since_ns
    shards.lower_cursor(connection, stopped_ns)
    return reason


def halted(connection: Connection, topic_id: TopicId) -> str | None:
    """Why a topic is halted, or None."""
    row = connection.execute(_OF, {"wanted": str(topic_id)}).one_or_none()
    return None if row is None else row.halted
