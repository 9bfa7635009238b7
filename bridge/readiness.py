"""Whether the bridge takes changes, and what of its work doesn't get done just now: what `GET /readyz` says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, false, func, select

from bridge.database import Database
from bridge.descriptors import any_left
from bridge.errors import Unavailable
from bridge.intake.reader import Reader, State
from bridge.protocol.values import JSON
from bridge.schema import positions
from topics.mirror.host import State as HostState
from topics.mirror.mirrors import Mirrors
from topics.values import AccountId

LOOK_S = 2.0
"""Within that the database's writer must have had a turn."""

_LOCK = delete(positions).where(false())  # takes the lock of a write, and touches nothing on the disk
_HALTED = select(func.count()).select_from(positions).where(positions.c.halted.is_not(None))


@dataclass(frozen=True, slots=True)
class Readiness:
    """Looks at the database, and at how mirrors, nodes and applications' databases were when asked last; it asks none.

    `node_failures` counts each node's failures in a row; `clock_ahead_s` says by how much our clock is ahead of the
    network's, behind: negative; `bus_works` whether other daemons' news come by the bus, where there is to be one;
    `carried` whether any daemon publishes and relays; `waits` the campaigns of which nothing goes out, with why.
    """

    database: Database
    mirrors: Mirrors
    node_failures: Callable[[], Mapping[AccountId, int]]
    readers: Sequence[Reader] = ()
    clock_ahead_s: Callable[[], float] = float
    bus_works: Callable[[], bool] = lambda: True
    carried: Callable[[], bool] = lambda: True
    waits: Mapping[str, str] = field(default_factory=dict)

    async def look(self) -> dict[str, JSON]:
        """`ready`; `degraded` names what is halted or out of reach while changes are taken; and the counts.

        No ids of campaigns or users: who asks needs no key. Raises Unavailable: no change can be taken now.
        """
        halted = await self._halted()
        failures = self.node_failures()
        mirrors_down = sum(fetch.host.state is HostState.DOWN for fetch in self.mirrors)
        nodes_down = sum(count > 0 for count in failures.values())
        ahead_s = round(self.clock_ahead_s())
        sources_down = [reader.name for reader in self.readers if reader.state is State.AWAY]
        troubles = {
            "topics": halted,
            "campaigns": self.waits,
            "database": self.database.refusals.lately,
            "mirrors": mirrors_down == len(self.mirrors),
            "nodes": failures and nodes_down == len(failures),
            "intake": sources_down,
            "descriptors": not any_left(),
            "clock": ahead_s,
            "bus": not self.bus_works(),
            "daemons": not self.carried(),
        }
        return {
            "ready": True,
            "degraded": [name for name, is_there in troubles.items() if is_there],
            "topics": {"halted": halted},
            "campaigns": {"stopped": len(self.waits)},
            "mirrors": {"down": mirrors_down, "of": len(self.mirrors)},
            "nodes": {"down": nodes_down, "of": len(failures)},
            "intake": {"down": [*sources_down], "of": len(self.readers)},
            "clock": {"aheadS": ahead_s},
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
