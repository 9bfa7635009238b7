"""Users' epochs in a file that only the recovery key opens: they stand on no ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from sqlalchemy import Connection, delete, insert, select

from bridge.errors import EnvelopeRejected
from bridge.keys.people import open_for, seal_for
from bridge.keys.ring import KeyRing, user_owner
from bridge.protocol.values import KEY_BYTES
from bridge.protocol.wire import cbor
from bridge.protocol.wire.cbor import CborInvalid
from bridge.protocol.wire.epochs import Epoch
from bridge.schema import epochs

MAGIC = b"hcs-bridge key backup 1\n"


@dataclass(frozen=True, slots=True)
class SavedEpoch:
    """A user's epoch outside a database."""

    owner: str
    epoch: Epoch
    created_ms: int
    made_by: str | None


def saved(connection: Connection, ring: KeyRing) -> list[SavedEpoch]:
    """Every user's epochs, oldest first. Raises SealBroken under another master key."""
    of_users = select(epochs).where(epochs.c.owner.startswith(user_owner(""), autoescape=True))
    rows = connection.execute(of_users.order_by(epochs.c.owner, epochs.c.number))
    return [SavedEpoch(row.owner, ring.unwrapped(row), row.created_ms, row.made_by) for row in rows]


def seal_backup(found: Sequence[SavedEpoch], public: X25519PublicKey, *, network: str) -> bytes:
    """The file's content."""
    listed = [[each.owner, each.epoch.key, each.created_ms, each.made_by] for each in found]
    return MAGIC + seal_for(public, cbor.encode(listed), purpose="backup", network=network)


def open_backup(content: bytes, private: X25519PrivateKey, *, network: str) -> list[SavedEpoch]:
    """The way back. Raises EnvelopeRejected: no backup, another recovery key or network, or cut short."""
    if not content.startswith(MAGIC):
        raise EnvelopeRejected("this is no key backup")
    plain = open_for(private, content.removeprefix(MAGIC), purpose="backup", network=network)
    try:
        listed: Any = cbor.decode(plain)
    except CborInvalid as exc:
        raise EnvelopeRejected(f"the key backup is not this format's CBOR: {exc}") from exc
    match listed:
        case [*rows] if all(_is_row(row) for row in rows):
            return [SavedEpoch(owner, Epoch.of(key), created_ms, by) for owner, key, created_ms, by in rows]
    raise EnvelopeRejected("the key backup holds something else")


def _is_row(row: object) -> bool:
    match row:
        case [str(), bytes(key), int(), str() | None]:
            return len(key) == KEY_BYTES
    return False


def restore(connection: Connection, ring: KeyRing, found: Sequence[SavedEpoch]) -> int:
    """Put back what isn't there, each in its place by age, so that the newest stays in force; how many."""
    count = 0
    for owner, group in groupby(sorted(found, key=attrgetter("owner")), key=attrgetter("owner")):
        there = [dict(row) for row in connection.execute(select(epochs).where(epochs.c.owner == owner)).mappings()]
        known = {row["kid"] for row in there}
        fresh = [
            {
                "owner": owner,
                "kid": each.epoch.kid,
                "wrapped": ring.wrap(connection, owner, each.epoch.key),
                "created_ms": each.created_ms,
                "since": 0,
                "made_by": each.made_by,
            }
            for each in group
            if each.epoch.kid not in known
        ]
        if fresh:
            connection.execute(delete(epochs).where(epochs.c.owner == owner))
            ordered = sorted([*fresh, *there], key=lambda row: row["created_ms"])
            connection.execute(insert(epochs), [{**row, "number": n} for n, row in enumerate(ordered, 1)])
            count += len(fresh)
    return count
