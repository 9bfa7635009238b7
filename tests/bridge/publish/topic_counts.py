"""Counts topics twice: on the devnet, and on our disk. No crash may leave a difference."""

from __future__ import annotations

from sqlalchemy import Connection, select

from bridge.schema import pool, registry
from tests.rooms import Rooms
from topics.registry import TopicState
from topics.values import TopicId


def on_devnet(rooms: Rooms) -> set[TopicId]:
    """Every topic that exists."""
    return set(rooms.terms.devnet.network.state.topics)


async def of_campaigns(rooms: Rooms) -> list[TopicId]:
    """The topics of all campaigns that have one."""
    found = await rooms.database.read(lambda c: list(registry.all(c)))
    return [registration.topic_id for registration in found if registration.topic_id is not None]


async def in_pool(rooms: Rooms) -> list[TopicId]:
    """The topics that wait for a campaign."""
    return await rooms.database.read(_pooled)


async def unready(rooms: Rooms) -> list[str]:
    """Campaigns whose topic or manifest isn't there yet."""
    found = await rooms.database.read(lambda c: list(registry.all(c)))
    return [registration.ref for registration in found if registration.state is not TopicState.READY]


async def check_none_leaked(rooms: Rooms) -> None:
    """Each topic on the devnet is a campaign's or in the pool, in one place only."""
    ours = await of_campaigns(rooms) + await in_pool(rooms)
    assert len(ours) == len(set(ours))
    assert set(ours) == on_devnet(rooms)


def _pooled(connection: Connection) -> list[TopicId]:
    found = connection.execute(
        select(pool.c.topic_id).where(pool.c.topic_id.is_not(None)).order_by(pool.c.number)
    ).scalars()
    return [TopicId.parse(topic_id) for topic_id in found]
