"""Connections are opened when the others are full, given up when they are dead, and never more than agreed."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from topics.mirror.host import Hosts
from topics.mirror.pool import Pool, PoolFull
from topics.mirror.settings import StreamSettings
from topics.mirror.subscription import StreamAddress

SETTINGS = StreamSettings(calls_per_connection=2, max_connections=2)


def pool() -> Pool:
    """Nothing listens there, and nobody calls."""
    return Pool(StreamAddress("127.0.0.1:1"), SETTINGS, Hosts(SETTINGS).of("127.0.0.1:1"))


async def test_places_fill_one_connection_after_the_other() -> None:
    places = pool()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(places.place())
        assert places.calls == [2, 1]
        await stack.enter_async_context(places.place())
        with pytest.raises(PoolFull, match="all 4 subscriptions are in use"):
            await stack.enter_async_context(places.place())
        assert places.calls == [2, 2]
    assert places.calls == []


async def test_a_connection_that_was_given_up_makes_room_for_another() -> None:
    places = pool()
    async with places.place() as first, places.place() as same:
        assert first is same
        await places.retire(first)
        await places.retire(first)
        async with places.place() as second:
            assert second is not first
            assert places.calls == [1]
    assert places.calls == []


async def test_closing_closes_all() -> None:
    places = pool()
    async with places.place(), places.place(), places.place():
        await places.close()
        assert places.calls == []
