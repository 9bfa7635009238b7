"""Whose the campaigns are: each belongs to one of a fixed number of shards, and a shard is leased to one daemon.

A lease has a fence, a number that grows with each taking. Every transaction of a daemon begins by asking whether all
that it takes for its own still is (`Leases.refuse_lost`), so one that was stopped or cut off, and doesn't know that
others have gone on, changes nothing, and ends. Leases run out by the database's clock, whatever the daemons' say. One
that others have a claim to is given back once nothing is under way there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, or_, select, true, update

from bridge.config_sections import Lease as LeaseSection
from bridge.database import Database
from bridge.errors import LeasesLost, Unavailable
from bridge.log import Seldom, get_logger
from bridge.schema import daemons, leases, tenures
from bridge.shards import SHARDS, shard_of
from bridge.statements import upsert

log = get_logger(__name__)

FIRST = 0
"""Whoever has this shard also does what only one may do; it is given back at the end alone."""
LOOKS = 6
"""So many within `lease.ttl_s`. Leases last for four of them, so that within six another daemon has taken over."""
LASTING = 4


_OF = leases.c.shard == bindparam("of")
_TAKE = (
    update(leases)
    .where(_OF)
    .values(daemon=bindparam("daemon"), fence=bindparam("under"), until_ms=bindparam("until_ms"))
)
_FREE = update(leases).where(_OF, leases.c.fence == bindparam("under")).values(daemon=None, until_ms=0)
_TENURE = tenures.c.shard == bindparam("of")
_OPEN = and_(_TENURE, tenures.c.fence == bindparam("under"), tenures.c.ended_ms.is_(None))
_END = update(tenures).where(_OPEN).values(ended_ms=bindparam("at_ms"))
_FORGET = delete(tenures).where(_TENURE, tenures.c.fence <= bindparam("up_to"))


@dataclass(frozen=True, slots=True)
class Daemons:
    """How many are there, this one among them, and how many of these carry campaigns."""

    there: int = 1
    carrying: int = 1


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who must know: `gained` is called when there are more campaigns; each of `left` comes back once nothing is under
    way for those that aren't this daemon's any more; `shared_by` is told how many daemons there are.
    """

    gained: Callable[[], Awaitable[None]]
    left: Sequence[Callable[[], Awaitable[None]]]
    shared_by: Callable[[Daemons], None]


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look at the leases came to: who is there, and what this daemon took, each with its fence."""

    daemons: Daemons
    taken: Mapping[int, int]


class Leases:
    """Holds which shards this daemon takes for its own, each with the fence that it has it under."""

    def __init__(
        self, section: LeaseSection, now_ms: Callable[[Connection], int], *, number: int, carries: bool
    ) -> None:
        self._section = section
        self._now_ms = now_ms
        self._number = number
        self._carries = carries
        self._held: Mapping[int, int] = {}  # replaced, never changed: the database's writer looks at it in its thread
        self._leaving: Set[int] = frozenset()  # held, and given back once nothing is under way there
        self._first = asyncio.Event()
        self._seldom = Seldom()
        self.daemons = Daemons()
        """As of the last look."""

    def mine(self) -> dict[int, int]:
        """The shards whose campaigns this daemon may begin something for, each with its fence."""
        return {shard: fence for shard, fence in self._held.items() if shard not in self._leaving}

    def is_mine(self, ref: str) -> bool:
        """Whether this daemon may begin something for the campaign."""
        shard = shard_of(ref)
        return shard in self._held and shard not in self._leaving

    def refuse_lost(self, connection: Connection) -> None:
        """Raises LeasesLost where this daemon has lost what it takes for its own."""
        held = self._held
        if held:
            found = select(leases.c.shard, leases.c.fence).where(leases.c.daemon == self._number)
            if held.items() - {(row.shard, row.fence) for row in connection.execute(found)}:
                raise LeasesLost(
                    f"others have taken over campaigns of this daemon (daemon.number {self._number}), which was away",
                    hint="start it again: what it had under way, they go on with; away longer than lease.ttl_s were "
                    "it, its machine, or its connection to the database",
                )

    def take_all(self, connection: Connection) -> None:
        """Everything is this process's, which has the database for itself."""
        now_ms = self._now_ms(connection)
        self._held = self._take(connection, true(), SHARDS, now_ms, now_ms + self._lasts_ms)
        self.daemons = Daemons(carrying=int(self._carries))
        self._first.set()

    def enter(self, connection: Connection) -> int:
        """Let the others know that this daemon is there; the database's time."""
        now_ms = self._now_ms(connection)
        until_ms = now_ms + self._lasts_ms
        upsert(connection, daemons, [{"number": self._number, "carries": self._carries, "until_ms": until_ms}])
        return now_ms

    def others(self, connection: Connection) -> list[int]:
        """The numbers of the other daemons that are there."""
        there = select(daemons.c.number).where(
            daemons.c.number != self._number, daemons.c.until_ms > self._now_ms(connection)
        )
        return list(connection.execute(there.order_by(daemons.c.number)).scalars())

    def leave(self, connection: Connection) -> None:
        """Give everything back, and be gone. Raises LeasesLost."""
        self.refuse_lost(connection)
        self._give_back(self._held, connection)
        connection.execute(delete(daemons).where(daemons.c.number == self._number))

    async def as_first(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Run what only one daemon may run once this one is to."""
        await self._first.wait()
        await loop()

    async def run(self, database: Database, sharing: Sharing) -> None:
        """Look again and again until cancelled. Raises LeasesLost."""
        while True:
            try:
                await self.look(database, sharing)
            except Unavailable as error:
                if times := self._seldom.due("unavailable"):
                    log.warning("leases not renewed", reason=str(error), times=times)
            await asyncio.sleep(self._look_s)

    async def look(self, database: Database, sharing: Sharing) -> None:
        """Renew the leases, take those that are free, give back what others have a claim to.

        Raises LeasesLost, Unavailable.
        """
        found = await database.write(self._look)
        self._held = {**self._held, **found.taken}
        if found.daemons != self.daemons:
            log.info("campaigns are shared out anew", daemons=found.daemons.carrying, of=found.daemons.there)
            self.daemons = found.daemons
            sharing.shared_by(found.daemons)
        if FIRST in self._held:
            self._first.set()
        if found.taken:
            log.info("campaigns taken", shards=len(found.taken), of=SHARDS)
            await sharing.gained()
        await self._give_way(database, sharing.left)

    async def _give_way(self, database: Database, left: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """What is more than this daemon's part goes back, at this look or a later one: once all under way has ended."""
        if not self._leaving:
            others = sorted(self._held.keys() - {FIRST}, reverse=True)
            self._leaving = frozenset(others[: max(0, len(self._held) - _part(self.daemons))])
        if not self._leaving:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_s):
                for each in left:
                    await each()
            given = {shard: self._held[shard] for shard in self._leaving}
            self._held = {shard: fence for shard, fence in self._held.items() if shard not in given}
            self._leaving = frozenset()
            await database.write(partial(self._give_back, given))
            log.info("campaigns given to other daemons", shards=len(given), of=SHARDS)

    @property
    def _look_s(self) -> float:
        return self._section.ttl_s / LOOKS

    @property
    def _lasts_ms(self) -> int:
        return round(self._section.ttl_s * 1000 * LASTING / LOOKS)

    def _look(self, connection: Connection) -> _Look:
        """Renew what is held, and take of what is free as much as is this daemon's part.

        Who was too late to renew its own takes none yet: the others may have been cut off by the same, and come next.
        """
        now_ms = self.enter(connection)
        held = leases.c.shard.in_(list(self._held))
        mine = and_(leases.c.daemon == self._number, held)
        late = connection.execute(select(func.count()).where(mine, leases.c.until_ms <= now_ms)).scalar_one()
        connection.execute(update(leases).where(mine).values(until_ms=now_ms + self._lasts_ms))
        if late:
            return _Look(self.daemons, {})
        counts = select(func.count(), func.count().filter(daemons.c.carries)).where(daemons.c.until_ms > now_ms)
        there = Daemons(*connection.execute(counts).one())
        wanted = _part(there) - len(self._held) if self._carries else 0
        of_nobody = or_(leases.c.daemon.is_(None), leases.c.until_ms <= now_ms)
        of_before = and_(leases.c.daemon == self._number, leases.c.shard.not_in(list(self._held)))
        free = or_(of_nobody, of_before)
        return _Look(there, self._take(connection, free, wanted, now_ms, now_ms + self._lasts_ms))

    def _take(
        self, connection: Connection, free: ColumnElement[bool], wanted: int, now_ms: int, until_ms: int
    ) -> dict[int, int]:
        """At most so many of those, each under its next fence."""
        found = select(leases).where(free).order_by(leases.c.shard).limit(max(0, wanted))
        taken = {row.shard: row for row in connection.execute(found)}
        fences = {shard: row.fence + 1 for shard, row in taken.items()}
        if taken:
            connection.execute(
                _END,
                [{"of": row.shard, "under": row.fence, "at_ms": min(now_ms, row.until_ms)} for row in taken.values()],
            )
            mine = {"daemon": self._number, "until_ms": until_ms}
            connection.execute(_TAKE, [{"of": shard, "under": fence} | mine for shard, fence in fences.items()])
            begun = {"daemon": self._number, "since_ms": now_ms}
            rows = [{"shard": shard, "fence": fence} | begun for shard, fence in fences.items()]
            connection.execute(insert(tenures), rows)
            kept = self._section.keep_tenures
            connection.execute(_FORGET, [{"of": shard, "up_to": fence - kept} for shard, fence in fences.items()])
        return fences

    def _give_back(self, held: Mapping[int, int], connection: Connection) -> None:
        if held:
            now_ms = self._now_ms(connection)
            given = [{"of": shard, "under": fence} for shard, fence in held.items()]
            connection.execute(_END, [each | {"at_ms": now_ms} for each in given])
            connection.execute(_FREE, given)


def _part(found: Daemons) -> int:
    """How many shards are one's where so many carry them, rounded up."""
    return -(-SHARDS // max(1, found.carrying))
