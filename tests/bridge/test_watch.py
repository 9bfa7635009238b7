"""The watchdog's look: what stands still is told apart from what is only in trouble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bridge.errors import Unavailable
from bridge.protocol.values import JSON
from bridge.watch import Watch


@dataclass
class Asked:
    requests: int = 0


async def well() -> Mapping[str, JSON]:
    return {"degraded": []}


async def lag() -> float:
    return 12.3


async def test_a_line_about_clients_and_what_is_in_trouble() -> None:
    async def in_trouble() -> Mapping[str, JSON]:
        return {"degraded": ["topics", "nodes"]}

    assert await Watch(well, [Asked()], lambda: 3, lag, patience_s=60).status() == "well; lag 12 s; 3 clients"
    assert (
        await Watch(in_trouble, [Asked()], lambda: 0, lag, patience_s=60).status()
        == "trouble with topics, nodes; lag 12 s; 0 clients"
    )


async def test_a_relay_that_asks_no_more_has_stopped_and_one_that_asks_in_vain_has_not() -> None:
    now_s, mirrors = [0.0], [Asked(), Asked()]
    watch = Watch(well, mirrors, lambda: 0, lag, patience_s=60, clock=lambda: now_s[0])
    await watch.status()
    now_s[0] = 60
    await watch.status()
    now_s[0] = 61
    with pytest.raises(Unavailable, match="asked no mirror for 61 s"):
        await watch.status()
    mirrors[1].requests += 1
    await watch.status()


async def test_a_database_that_takes_nothing_is_told() -> None:
    async def stuck() -> Mapping[str, JSON]:
        raise Unavailable("the database", "it has taken no write for 2 s")

    with pytest.raises(Unavailable, match="no write for 2 s"):
        await Watch(stuck, [Asked()], lambda: 0, lag, patience_s=60).status()
