"""Our own database, opened so that an audit can't change anything in it, beside whoever writes there."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import DatabaseError

from bridge.config_sections import Database
from bridge.engines import kind_of, unavailable
from bridge.errors import Unavailable
from bridge.keys.ring import CampaignKeys, KeyRing, campaign_owner
from bridge.protocol.wire.epochs import Epoch
from bridge.schema import epochs

T = TypeVar("T")


class ReadOnly:
    """Holds the engine. `close()` it."""

    def __init__(self, section: Database) -> None:
        self._engine = kind_of(section).reading(section, timeout_s=section.busy_timeout_s)

    def read(self, work: Callable[[Connection], T]) -> T:
        """What `work` finds, from any thread. Raises Unavailable."""
        try:
            with unavailable(), self._engine.connect() as connection:
                return work(connection)
        except DatabaseError as error:  # no database of ours, or a damaged one
            raise Unavailable("the database", str(error.orig)) from error

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()


class RecordedKeys:
    """The ring as a KeyLookup (wire.epochs) for several threads at once; up to `max_cached` keys are kept."""

    def __init__(self, database: ReadOnly, ring: KeyRing, ref: str, *, max_cached: int) -> None:
        self._database = database
        self._ring = ring
        self._ref = ref
        self._lock = Lock()
        self._kept = lru_cache(max_cached)(self._find)

    def epoch(self, kid: bytes) -> bytes | None:
        """The key of an epoch of the campaign."""
        return self._kept(kid, False)

    def user(self, kid: bytes) -> bytes | None:
        """The key of a user's epoch."""
        return self._kept(kid, True)

    def _find(self, kid: bytes, of_user: bool) -> bytes | None:
        def look(connection: Connection) -> bytes | None:
            keys = CampaignKeys(self._ring, connection, self._ref)
            return keys.user(kid) if of_user else keys.epoch(kid)

        with self._lock:
            return self._database.read(look)


def campaign_epochs(database: ReadOnly, ring: KeyRing, ref: str) -> list[Epoch]:
    """All the campaign's own keys that are here, oldest first. Raises SealBroken, Unavailable."""
    owner = campaign_owner(ref)
    numbered = select(epochs.c.kid).where(epochs.c.owner == owner).order_by(epochs.c.number)

    def look(connection: Connection) -> list[Epoch]:
        found = (ring.find(connection, owner, kid) for kid in connection.execute(numbered).scalars().all())
        return [epoch for epoch in found if epoch is not None]

    return database.read(look)
