"""Whether the bridge takes changes, and what of its work doesn't get done just now: what `GET /readyz` says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, false, func, select

from bridge.database import Database
from bridge.descriptors import any_left
from bridge.errors import Unavailable
from bridge.protocol.values import JSON
from bridge.schema import positions
from topics.mirror.host import State
from topics.mirror.mirrors import Mirrors
from topics.values import AccountId

LOOK_S = 2.0
"""Within that the database's writer must have had a turn."""

_LOCK = delete(positions).where(false())  # takes the lock of a write, and touches nothing on the disk
_HALTED = select(func.count()).select_from(positions).where(positions.c.halted.is_not(None))


@dataclass(frozen=True, slots=True)
class Readiness:
    """Looks at the database, and at how mirrors and nodes were when they were asked last; it asks neither.

    `node_failures` counts each node's failures in a row.
    """

    database: Database
    mirrors: Mirrors
    node_failures: Callable[[], Mapping[AccountId, int]]

    async def look(self) -> dict[str, JSON]:
        """`ready`; `degraded` names what is halted or out of reach while changes are taken; and the counts.

        No ids: who asks needs no key. Raises Unavailable: no change can be taken now.
        """
        halted = await self._halted()
        failures = self.node_failures()
        mirrors_down = sum(fetch.host.state is State.DOWN for fetch in self.mirrors)
        nodes_down = sum(count > 0 for count in failures.values())
        degraded: list[JSON] = []
        if halted:
            degraded.append("topics")
        if mirrors_down == len(self.mirrors):
            degraded.append("mirrors")
        if failures and nodes_down == len(failures):
            degraded.append("nodes")
        if not any_left():
            degraded.append("descriptors")
        return {
            "ready": True,
            "degraded": degraded,
            "topics": {"halted": halted},
            "mirrors": {"down": mirrors_down, "of": len(self.mirrors)},
            "nodes": {"down": nodes_down, "of": len(failures)},
        }

    async def _halted(self) -> int:
        """How many topics are; counted in the writer's turn, so that one that is stuck shows."""
        try:
            async with asyncio.timeout(LOOK_S):
                return await self.database.write(_count_halted)
        except TimeoutError:
            raise Unavailable("the database", f"it has taken no write for {LOOK_S:g} s") from None


def _count_halted(connection: Connection) -> int:
    connection.execute(_LOCK)
    return connection.execute(_HALTED).scalar_one()
