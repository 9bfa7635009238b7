"""Streams sleep until there is something for them, and time goes on while they do."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from tests.topics.devnet.ground import NOON_NS, Ground
from topics.devnet import mirror_watch
from topics.devnet.mirror_watch import Watch


async def test_the_stream_of_the_topic_is_woken_and_no_other() -> None:
    ground = Ground(consensus_delay_s=1)
    mine, other = ground.create_topic(), ground.create_topic()
    watch = Watch(ground.network)
    running = asyncio.create_task(watch.run())
    with watch.on(mine) as news, watch.on(other) as others:
        ground.ingest(ground.submit(mine))
        ground.now_ns += 2 * 10**9
        await asyncio.wait_for(watch.wait(news), 10)
        assert len(ground.network.mirror.topics[mine].messages) == 1
        assert not others.is_set()
        watch.wake_all()
        assert others.is_set()
        news.clear()
        await asyncio.wait_for(watch.wait(news, polling=True), 10)
        assert not news.is_set()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_nothing_moves_while_nobody_waits() -> None:
    ground = Ground(consensus_delay_s=1)
    topic_id = ground.create_topic()
    watch = Watch(ground.network)
    running = asyncio.create_task(watch.run())
    ground.ingest(ground.submit(topic_id))
    ground.now_ns += 2 * 10**9
    with watch.on(topic_id):
        pass
    await asyncio.sleep(0.05)
    assert len(ground.network.mirror.topics[topic_id].messages) == 0
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_is_due_sooner_than_the_next_tick_comes_when_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_watch, "TICK_S", 600)
    began_ns = time.monotonic_ns()
    ground = Ground(consensus_delay_s=0.02, mirror_delay_s=0.01, clock=lambda: NOON_NS + time.monotonic_ns() - began_ns)
    topic_id = ground.create_topic()
    ground.ingest(ground.submit(topic_id))
    watch = Watch(ground.network)
    running = asyncio.create_task(watch.run())
    with watch.on(topic_id) as news:
        await asyncio.wait_for(watch.wait(news), 10)
        assert len(ground.network.mirror.topics[topic_id].messages) == 1
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
