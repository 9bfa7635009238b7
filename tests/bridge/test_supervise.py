"""All loops or none: what falls takes the others with it, and a signal is waited for."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from bridge.supervise import LoopEnded, stop_signal, supervised


class Witness:
    """A loop that tells whether it runs."""

    def __init__(self) -> None:
        self.running = False

    async def run(self) -> None:
        self.running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False


async def test_leaving_the_block_cancels_every_loop() -> None:
    one, two = Witness(), Witness()
    async with asyncio.timeout(5), supervised({"one": one.run, "two": two.run}):
        await asyncio.sleep(0)
        assert (one.running, two.running) == (True, True)
    assert (one.running, two.running) == (False, False)


async def test_what_a_loop_raises_ends_the_others_and_the_block() -> None:
    other = Witness()

    async def fall() -> None:
        await asyncio.sleep(0)
        raise KeyError("fallen")

    with pytest.raises(ExceptionGroup) as caught:
        async with supervised({"other": other.run, "falls": fall}):
            await asyncio.wait_for(asyncio.Event().wait(), 5)  # the fall comes first
    assert caught.group_contains(KeyError, match="fallen")
    assert not other.running


async def test_a_loop_that_comes_back_is_a_fault() -> None:
    async def comes_back() -> None:
        await asyncio.sleep(0)

    with pytest.raises(ExceptionGroup) as caught:
        async with supervised({"short": comes_back}):
            await asyncio.wait_for(asyncio.Event().wait(), 5)
    assert caught.group_contains(LoopEnded, match="'short' ended by itself")


async def test_what_the_block_raises_comes_out_as_it_is_and_ends_the_loops() -> None:
    other = Witness()

    async def block() -> None:
        async with supervised({"other": other.run}):
            await asyncio.sleep(0)
            raise KeyError("the block's")

    with pytest.raises(KeyError, match="the block's"):
        await block()
    assert not other.running


async def test_what_falls_while_the_block_falls_is_told_too() -> None:
    async def fall_at_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("the loop's")

    async def block() -> None:
        async with supervised({"falls": fall_at_the_end}):
            await asyncio.sleep(0)
            raise KeyError("the block's")

    with pytest.raises(ExceptionGroup) as caught:
        await block()
    assert caught.group_contains(KeyError)
    assert caught.group_contains(ValueError)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_is_waited_for_and_the_next_one_has_its_own_force_again(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGTERM)
    waiting = asyncio.ensure_future(stop_signal())
    await asyncio.sleep(0)
    assert not waiting.done()
    os.kill(os.getpid(), number)
    await asyncio.wait_for(waiting, 5)
    assert signal.getsignal(signal.SIGTERM) == before


async def test_who_stops_waiting_leaves_no_handler() -> None:
    before = signal.getsignal(signal.SIGTERM)
    waiting = asyncio.ensure_future(stop_signal())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert signal.getsignal(signal.SIGTERM) == before
