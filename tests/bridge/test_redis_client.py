"""The library's calls end though it loses a cancellation, and what failed in them isn't left unseen."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bridge.redis_client import ended, heed_cancellation


async def deaf(heard: list[int]) -> None:
    """Loses the first cancellation, as the library does when its own timeout ends just then."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    heard.append(1)
    await asyncio.sleep(60)


async def test_a_cancellation_that_is_lost_is_given_again() -> None:
    heard: list[int] = []
    task = asyncio.create_task(deaf(heard))
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await ended([task])
    assert (task.cancelled(), heard) == (True, [1])


async def test_what_has_ended_is_left_alone() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await ended([done])
    assert not done.cancelled()


async def test_one_that_was_lost_is_raised_behind_the_call_and_else_nothing_is() -> None:
    heed_cancellation()

    async def calls() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        heed_cancellation()

    task = asyncio.create_task(calls())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_is_told_to_end_while_it_ends_others_leaves_none_of_them_going() -> None:
    heard: list[int] = []
    child = asyncio.create_task(deaf(heard))
    await asyncio.sleep(0)
    ending = asyncio.create_task(ended([child]))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert (child.cancelled(), heard) == (True, [1])
