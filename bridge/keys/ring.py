"""The key ring: key epochs of campaigns, of users and of the store, wrapped at rest under the master key."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from functools import cache, lru_cache, partial

from sqlalchemy import Connection, bindparam, insert, select

from bridge.protocol.values import KEY_BYTES
from bridge.protocol.wire.epochs import Epoch
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

STORE = "store"
"""The owner of the key that seals what the database holds of events."""


def campaign_owner(ref: str) -> str:
    """The owner of the epochs that seal a campaign's frames."""
    return f"campaign:{ref}"


def user_owner(user_id: str) -> str:
    """The owner of the epochs that seal what is for one user alone."""
    return f"user:{user_id}"


class KeyRing:
    """Holds the master key and a bounded cache of unwrapped keys. Call inside the caller's transaction."""

    def __init__(self, master: bytes, *, max_cached: int, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._master = master
        self._random_bytes = random_bytes
        self._unwrap = lru_cache(max_cached)(self._unwrap_uncached)

    def ensure(self, connection: Connection, owner: str, *, now_ms: int) -> Epoch:
        """The epoch in force of `owner`, which gets its first one now if it has none. Needs a writing transaction."""
        if (known := self.current(connection, owner)) is not None:
            return known
        epoch = Epoch.of(self._random_bytes(KEY_BYTES))
        nonce = self._random_bytes(NONCE_BYTES)
        row = {
            "owner": owner,
            "number": 1,
            "kid": epoch.kid,
            "wrapped": wrap_key(epoch.key, master_key=self._master, owner=owner, nonce=nonce),
            "created_ms": now_ms,
        }
        connection.execute(_INSERT, row)
        return epoch

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

    def _first(self, connection: Connection, kid: bytes, owns: Callable[[str], bool]) -> Epoch | None:
        rows = connection.execute(_BY_KID, {"id": kid})
        return next((self._unwrap(row.owner, row.kid, row.wrapped) for row in rows if owns(row.owner)), None)

    def _unwrap_uncached(self, owner: str, kid: bytes, wrapped: bytes) -> Epoch:
        return Epoch(kid, unwrap_key(wrapped, master_key=self._master, owner=owner, kid=kid))


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
