"""Keys for a database that is made anew: epochs out of a backup, and epochs that a recovery key opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, insert, select

from bridge.errors import EnvelopeRejected
from bridge.keys.load import hex_key
from bridge.keys.people import recovery, unwrap_from
from bridge.keys.ring import STORE
from bridge.protocol.wire.epochs import Epoch, KeyLookup
from bridge.protocol.wire.wrapping import unwrap_key
from bridge.schema import epochs
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class HeldEpoch:
    """An epoch as it lies in a database: `number` counts the owner's, from 1; `wrapped` under the master key.

    `since` is the producer sequence of the frame that announced it, `made_by` who asked for it.
    """

    owner: str
    number: int
    kid: bytes
    wrapped: bytes = field(repr=False)
    created_ms: int
    since: int = 0
    made_by: str | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """The recovery pair's private half: opens the keys that a network's topics hold for it."""

    private: X25519PrivateKey = field(repr=False)
    network: str

    def open(self, wrapped: bytes | None, *, topic_id: TopicId, kid: bytes) -> Epoch | None:
        """The epoch that a manifest or a rotation of this topic holds; None for another pair, topic or network."""
        if wrapped is None:
            return None
        try:
            return Epoch(kid, unwrap_from(self.private, wrapped, purpose=recovery(self.network, topic_id), kid=kid))
        except EnvelopeRejected:
            return None


@dataclass(slots=True)
class RecoveredKeys:
    """A KeyLookup (wire.epochs) over keys that are held, and those that rotations brought on the way."""

    held: KeyLookup
    learned: dict[bytes, Epoch] = field(default_factory=dict)

    def epoch(self, kid: bytes) -> bytes | None:
        """The key of a campaign's epoch, or None."""
        return self.learned[kid].key if kid in self.learned else self.held.epoch(kid)

    def user(self, kid: bytes) -> bytes | None:
        """The key of a user's epoch, or None."""
        return self.held.user(kid)


def recovery_key(path: Path, *, key: str) -> X25519PrivateKey:
    """The private half, 64 hex digits in a file. Raises ConfigInvalid that names the file and `key`, no content."""
    return X25519PrivateKey.from_private_bytes(hex_key(path, key))


def kept(connection: Connection, owner: str | None = None) -> list[HeldEpoch]:
    """Every epoch there, or those of one owner, the oldest of each first."""
    found = select(*epochs.c).order_by(epochs.c.owner, epochs.c.number)
    rows = connection.execute(found if owner is None else found.where(epochs.c.owner == owner))
    return [HeldEpoch(*row) for row in rows]


def epochs_held(connection: Connection, *, master: bytes) -> list[HeldEpoch]:
    """Every epoch there but the store's own, each proven to open. Raises SealBroken under another master key."""
    found = [each for each in kept(connection) if each.owner != STORE]
    for each in found:
        unwrap_key(each.wrapped, master_key=master, owner=each.owner, kid=each.kid)
    return found


def take_over(connection: Connection, held: Sequence[HeldEpoch]) -> None:
    """Keep the epochs that aren't there yet."""
    known = {(owner, number) for owner, number in connection.execute(select(epochs.c.owner, epochs.c.number))}
    rows = [asdict(each) for each in held if (each.owner, each.number) not in known]
    if rows:
        connection.execute(insert(epochs), rows)
