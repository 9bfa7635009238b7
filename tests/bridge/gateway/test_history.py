"""The history port's words, held against the implementation that the gateway's tests use."""

from __future__ import annotations

from bridge.gateway.history import History
from bridge.protocol.realtime.recovery import StreamPosition
from tests.bridge.gateway.memory_history import EPOCH, MemoryHistory


async def test_reading_forwards_and_backwards() -> None:
    memory = MemoryHistory()
    history: History = memory
    assert await history.top("user:7") == StreamPosition(0, EPOCH)
    for offset in (10, 20, 30):
        memory.keep("user:7", offset, b"{}")
    assert await history.top("user:7") == StreamPosition(30, EPOCH)
    assert [row.offset for row in await history.read("user:7", since=10, limit=5)] == [20, 30]
    assert [row.offset for row in await history.read("user:7", since=0, limit=1)] == [10]
    assert [row.offset for row in await history.read("user:7", since=30, limit=5, reverse=True)] == [20, 10]
    assert await history.open_ids("user:7") == {"open": [], "rejected": []}
