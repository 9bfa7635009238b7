"""After the store key has changed: what the older one sealed is sealed anew, then that key goes.

Both are held meanwhile, and at every start where both are found: killed in between, it is finished then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Column, Connection, Table, Update, bindparam, delete, func, select, tuple_, update

from bridge.database import Database
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import STORE, KeyRing
from bridge.publish import bodies
from bridge.relay import store
from bridge.schema import entries, epochs, publications

PORTION = 500
"""Rows that one transaction goes through."""

Place = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A table of sealed bodies: what its rows go by, and what each body is bound to."""

    table: Table
    key: tuple[str, ...]
    label: str
    identity: tuple[str, ...]
    begin: Place

    def portion(self, at_rest: AtRest, after: Place, connection: Connection) -> Place | None:
        """Go through some rows behind `after`; the last one's place, None if there was none."""
        columns = [self.table.c[name] for name in self.key]
        found = select(self.table).where(tuple_(*columns) > tuple_(*after)).order_by(*columns).limit(PORTION)
        rows = connection.execute(found).mappings().all()
        changed = []
        for row in rows:
            anew = row["body"] and at_rest.reseal(row["body"], self.label, *(row[name] for name in self.identity))
            if anew:
                changed.append({"anew": anew} | {f"at_{name}": row[name] for name in self.key})
        if changed:
            connection.execute(self._update(columns), changed)
        return tuple(rows[-1][name] for name in self.key) if rows else None

    def _update(self, columns: Sequence[Column[object]]) -> Update:
        where = [column == bindparam(f"at_{column.name}") for column in columns]
        return update(self.table).where(*where).values(body=bindparam("anew"))


TABLES = (
    _Sealed(entries, ("id",), bodies.LABEL, ("event_id",), (0,)),
    _Sealed(publications, ("channel", "offset"), store.LABEL, ("channel", "offset"), ("", 0)),
)


async def reseal(database: Database, at_rest: AtRest, ring: KeyRing) -> None:
    """Beside everything else, portion by portion. Raises SealBroken for a body that neither key opens."""
    for table in TABLES:
        place: Place | None = table.begin
        while place is not None:
            place = await database.write(partial(table.portion, at_rest, place))
    await database.write(_forget_older)
    await asyncio.to_thread(database.kind.empty_log, database.engine)
    at_rest.change(*await database.read(lambda c: ring.all_of(c, STORE)))


def reseal_at_once(database: Database, at_rest: AtRest, ring: KeyRing) -> None:
    """The same before anything else runs; nothing where there is one store key only."""
    engine = database.engine
    with engine.begin() as connection:
        if connection.execute(select(func.count()).where(epochs.c.owner == STORE)).scalar_one() == 1:
            return
    for table in TABLES:
        place: Place | None = table.begin
        while place is not None:
            with engine.begin() as connection:
                place = table.portion(at_rest, place, connection)
    with engine.begin() as connection:
        _forget_older(connection)
        at_rest.change(*ring.all_of(connection, STORE))
    database.kind.empty_log(engine)


def _forget_older(connection: Connection) -> None:
    newest = select(func.max(epochs.c.number)).where(epochs.c.owner == STORE).scalar_subquery()
    connection.execute(delete(epochs).where(epochs.c.owner == STORE, epochs.c.number < newest))
