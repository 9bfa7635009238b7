"""The key ring: key epochs of campaigns, of users and of the store, wrapped at rest under the master key."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import cache, lru_cache, partial

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from bridge import settings
from bridge.errors import SealBroken
from bridge.protocol.values import KEY_BYTES
from bridge.protocol.wire.epochs import Epoch, kid_of
from bridge.protocol.wire.wrapping import NONCE_BYTES, unwrap_key, wrap_key
from bridge.schema import epochs
from bridge.statements import sliced

# Made once: building a statement costs more than running it.
_ALL = (
    select(epochs)
    .where(epochs.c.owner.in_(bindparam("some", expanding=True)))
    .order_by(epochs.c.owner, epochs.c.number)
)
_CURRENT = select(epochs).where(epochs.c.owner == bindparam("of")).order_by(epochs.c.number.desc()).limit(1)
_HELD = select(epochs.c.owner).where(epochs.c.owner.in_(bindparam("some", expanding=True))).distinct()
_BY_KID = select(epochs).where(epochs.c.kid == bindparam("id"))
_INSERT = insert(epochs)
_LAST_NUMBER = select(func.max(epochs.c.number)).where(epochs.c.owner == bindparam("of"))
_REWRAP = (
    update(epochs)
    .where(epochs.c.owner == bindparam("of"), epochs.c.number == bindparam("at"))
    .values(wrapped=bindparam("anew"))
)

STORE = "store"
"""The owner of the key that seals what the database holds of events."""


def master_id(master: bytes) -> str:
    """By what a master key is known in the database: it says nothing about it."""
    return kid_of(master).hex()


def campaign_owner(ref: str) -> str:
    """The owner of the epochs that seal a campaign's frames."""
    return f"campaign:{ref}"


def user_owner(user_id: str) -> str:
    """The owner of the epochs that seal what is for one user alone."""
    return f"user:{user_id}"


def retract(connection: Connection, owner: str, count: int) -> None:
    """The newest epochs of `owner` never came into force: what announced them did not reach the ledger."""
    newest = select(epochs.c.number).where(epochs.c.owner == owner).order_by(epochs.c.number.desc()).limit(count)
    connection.execute(delete(epochs).where(epochs.c.owner == owner, epochs.c.number.in_(newest)))


def stand_at(connection: Connection, owner: str, kid: bytes) -> bool:
    """Have this epoch of `owner` in force; False if it isn't there. Later ones never reached the ledger: they go."""
    found = select(epochs.c.number).where(epochs.c.owner == owner, epochs.c.kid == kid)
    number = connection.execute(found).scalar_one_or_none()
    if number is not None:
        connection.execute(delete(epochs).where(epochs.c.owner == owner, epochs.c.number > number))
    return number is not None


class KeyRing:
    """Holds the master key and a bounded cache of unwrapped keys. Call inside the caller's transaction.

    While the master key changes it holds two: which one is in force stands in the database, so that no transaction
    wraps under the one that goes behind the other's back.
    """

    def __init__(self, master: bytes, *, max_cached: int, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._masters = {master_id(master): master}
        self._random_bytes = random_bytes
        self._unwrap = lru_cache(max_cached)(self._unwrap_uncached)

    def ensure(self, connection: Connection, owner: str, *, now_ms: int) -> Epoch:
        """The epoch in force of `owner`, which gets its first one now if it has none. Needs a writing transaction."""
        known = self.current(connection, owner)
        return self.renew(connection, owner, now_ms=now_ms) if known is None else known

    def renew(self, connection: Connection, owner: str, *, now_ms: int, since: int = 0, by: str | None = None) -> Epoch:
        """A new epoch of `owner`, in force from now on; the ones before it stay. Needs a writing transaction.

        `since` is the producer sequence of the frame that announces a campaign's, `by` who asked for it.
        """
        epoch = Epoch.of(self._random_bytes(KEY_BYTES))
        self.keep(connection, owner, epoch, now_ms=now_ms, since=since, by=by)
        return epoch

    def keep(
        self, connection: Connection, owner: str, epoch: Epoch, *, now_ms: int, since: int = 0, by: str | None = None
    ) -> None:
        """Put an epoch behind those that `owner` has."""
        last = connection.execute(_LAST_NUMBER, {"of": owner}).scalar_one()
        row = {
            "owner": owner,
            "number": (last or 0) + 1,
            "kid": epoch.kid,
            "wrapped": self.wrap(connection, owner, epoch.key),
            "created_ms": now_ms,
            "since": since,
            "made_by": by,
        }
        connection.execute(_INSERT, row)

    def ensure_all(self, connection: Connection, owners: Collection[str], *, now_ms: int) -> None:
        """As `ensure`, for owners whose epochs nobody needs yet."""
        known: set[str] = set()
        for some in sliced(owners):
            known.update(connection.execute(_HELD, {"some": some}).scalars())
        for owner in owners:
            if owner not in known:
                self.ensure(connection, owner, now_ms=now_ms)

    def current(self, connection: Connection, owner: str) -> Epoch | None:
        """The epoch in force, or None. Raises SealBroken under another master key."""
        row = connection.execute(_CURRENT, {"of": owner}).one_or_none()
        return None if row is None else self._unwrap(row.owner, row.kid, row.wrapped)

    def all_current(self, connection: Connection, owners: Sequence[str]) -> dict[str, Epoch]:
        """The epochs in force of these owners, at most 500 of them; none of one that has none. Raises as `current`."""
        newest = {row.owner: row for row in connection.execute(_ALL, {"some": owners})}
        return {owner: self._unwrap(owner, row.kid, row.wrapped) for owner, row in newest.items()}

    def find(self, connection: Connection, owner: str, kid: bytes) -> Epoch | None:
        """The epoch of `owner` with this kid, or None: not held, or shredded."""
        return self._first(connection, kid, lambda found: found == owner)

    def find_user(self, connection: Connection, kid: bytes) -> Epoch | None:
        """The epoch of whichever user has this kid."""
        return self._first(connection, kid, lambda found: found.startswith(user_owner("")))

    def find_campaign(self, connection: Connection, kid: bytes) -> Epoch | None:
        """The epoch of whichever campaign has this kid."""
        return self._first(connection, kid, lambda found: found.startswith(campaign_owner("")))

    def in_force(self, connection: Connection) -> bytes:
        """The master key under which the database stands."""
        [loaded, *_] = self._masters
        return self._masters[settings.found(connection, settings.MASTER) or loaded]

    def wrap(self, connection: Connection, owner: str, key: bytes) -> bytes:
        """A key of `owner` as it lies in the database, under the master key in force there."""
        return self._wrapped(self.in_force(connection), owner, key)

    def hold(self, master: bytes) -> None:
        """Open also what is wrapped under this master key, from now on."""
        self._masters.setdefault(master_id(master), master)

    def rewrap(self, connection: Connection) -> int:
        """All keys under the master key in force, which came into force with this transaction; how many."""
        master = self.in_force(connection)
        rows = [
            {"of": row.owner, "at": row.number, "anew": self._wrapped(master, row.owner, self.unwrapped(row).key)}
            for row in connection.execute(select(epochs)).all()
        ]
        connection.execute(_REWRAP, rows)
        return len(rows)

    def unwrapped(self, row: Row[tuple[object, ...]]) -> Epoch:
        """A row's epoch, which nobody is likely to want again. Raises SealBroken."""
        return self._unwrap_uncached(row.owner, row.kid, row.wrapped)

    def all_of(self, connection: Connection, owner: str) -> list[Epoch]:
        """Every epoch of `owner`, the newest first. Raises as `current`."""
        rows = connection.execute(select(epochs).where(epochs.c.owner == owner).order_by(epochs.c.number.desc()))
        return [self.unwrapped(row) for row in rows]

    def forget_unwrapped(self) -> None:
        """Nothing that was shredded stays in memory."""
        self._unwrap.cache_clear()

    def _first(self, connection: Connection, kid: bytes, owns: Callable[[str], bool]) -> Epoch | None:
        rows = connection.execute(_BY_KID, {"id": kid})
        return next((self._unwrap(row.owner, row.kid, row.wrapped) for row in rows if owns(row.owner)), None)

    def _wrapped(self, master: bytes, owner: str, key: bytes) -> bytes:
        return wrap_key(key, master_key=master, owner=owner, nonce=self._random_bytes(NONCE_BYTES))

    def _unwrap_uncached(self, owner: str, kid: bytes, wrapped: bytes) -> Epoch:
        for master in self._masters.values():
            with suppress(SealBroken):
                return Epoch(kid, unwrap_key(wrapped, master_key=master, owner=owner, kid=kid))
        return Epoch(kid, unwrap_key(wrapped, master_key=next(iter(self._masters.values())), owner=owner, kid=kid))


class CampaignKeys:
    """The ring as a KeyLookup (wire.epochs) for the frames of one campaign, within one transaction."""

    def __init__(self, ring: KeyRing, connection: Connection, ref: str) -> None:
        # Frames that are opened together are sealed under few epochs, and within a transaction these don't change.
        self._epoch = cache(partial(ring.find, connection, campaign_owner(ref)))
        self._user = cache(partial(ring.find_user, connection))

    def epoch(self, kid: bytes) -> bytes | None:
        """The key of an epoch of this campaign."""
        found = self._epoch(kid)
        return None if found is None else found.key

    def user(self, kid: bytes) -> bytes | None:
        """The key of a user's epoch."""
        found = self._user(kid)
        return None if found is None else found.key
