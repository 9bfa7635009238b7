"""Whether the network that the mirror shows is the one that this database was filled from."""

from __future__ import annotations

from bridge.database import Database
from bridge.errors import DatabaseHeld
from bridge.log import get_logger
from bridge.protocol.channels import channel_epoch
from bridge.relay import progress
from topics.errors import MalformedAnswer, Rejected, Unavailable
from topics.mirror.rest import Mirror
from topics.values import TopicId

log = get_logger(__name__)


async def check_same_network(database: Database, mirror: Mirror) -> None:
    """Compare how a topic that was read began. Networks get reset, and their topic ids used again.

    Raises DatabaseHeld. A mirror that doesn't answer now proves nothing, and stops nobody from accepting changes.
    """
    known = await database.read(progress.known_beginning)
    if known is None:
        return
    topic_id, epoch = known
    try:
        same = await begins_as(mirror, topic_id, epoch)
    except (Unavailable, Rejected, MalformedAnswer) as error:
        log.warning("not checked whether this is the network of the database", reason=str(error))
        return
    if not same:
        raise DatabaseHeld(
            f"the database was filled from another network than the mirror {mirror.url} shows: "
            f"topic {topic_id} does not begin there as it did",
            hint="a network that was reset needs a new database: move the files of database.url away",
        )


async def begins_as(mirror: Mirror, topic_id: TopicId, epoch: str) -> bool:
    """Whether the topic begins at this mirror as it did when the epoch was taken. Raises TopicsError."""
    first = await mirror.message(topic_id, 1)
    return first is not None and channel_epoch(topic_id, first.running_hash) == epoch
