"""Up to where this daemon's share of the topics has been swept: a cursor on disk for each shard."""

from __future__ import annotations

from bridge import shards
from bridge.database import Database
from bridge.leases import FIRST, Leases
from topics.mirror.sweep import Sweep


class Reach:
    """Holds what of the shards' cursors this daemon knows. A round of reading stands between `begin` and `end`."""

    def __init__(self, database: Database, leases: Leases) -> None:
        self._database = database
        self._leases = leases
        self._held: dict[int, int] = {}  # the shards that are ours in this round, each with its fence
        self._read_to: dict[int, int] = {}  # of each of them: its cursor, as it was found or moved
        self._lowered = False

    @property
    def has_first(self) -> bool:
        """Whether what is nobody's in particular is this daemon's to do."""
        return FIRST in self._held

    def lowered(self) -> None:
        """The cursors went back for a topic that will be read all the same: nothing is to be swept again for it."""
        self._lowered = True

    async def begin(self, sweep: Sweep) -> None:
        """Where others left shards to this daemon, or lowered a cursor, the sweep goes back. Raises Unavailable."""
        held, is_known = self._leases.mine(), self._lowered
        found = await self._database.read(lambda c: shards.cursors_of(c, held))
        for shard, at_ns in found.items():
            is_new = self._held.get(shard) != held[shard]
            if is_new or (at_ns < self._read_to[shard] and not is_known):
                sweep.back_to(at_ns)
        self._held, self._read_to = held, found
        self._lowered = self._lowered and not is_known

    async def end(self, reached_ns: int) -> None:
        """All that was this daemon's for the whole round has been read up to there. Raises Unavailable."""
        still = self._held.items() & self._leases.mine().items()
        behind = {shard: at_ns for shard, _ in still if (at_ns := self._read_to[shard]) < reached_ns}
        if behind:
            await self._database.write(lambda c: shards.move_cursors(c, behind, reached_ns))
            self._read_to |= dict.fromkeys(behind, reached_ns)
