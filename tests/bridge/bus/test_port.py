"""The bus of the only node."""

from __future__ import annotations

from bridge.bus.port import InProcess, Woken
from tests.bridge.bus.nodes import Node


async def test_the_only_node_is_healthy_and_hears_nothing() -> None:
    alone = Node(InProcess())
    async with alone.running():
        alone.bus.publish([Woken(("c1",))])
    assert (alone.heard, alone.missed) == ([], 0)
