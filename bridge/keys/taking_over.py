"""Keys for a database that is made anew: epochs out of a backup, and epochs that a recovery key opens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, insert, select

from bridge.errors import EnvelopeRejected
from bridge.keys.load import hex_key
from bridge.keys.people import Purpose, unwrap_from
from bridge.keys.ring import STORE, campaign_owner
from bridge.protocol.wire.epochs import kid_of
from bridge.protocol.wire.wrapping import NONCE_BYTES, unwrap_key, wrap_key
from bridge.schema import epochs


@dataclass(frozen=True, slots=True)
class HeldEpoch:
    """An epoch as it lies in a database: `number` counts the owner's, from 1; `wrapped` under the master key."""

    owner: str
    number: int
    kid: bytes
    wrapped: bytes = field(repr=False)
    created_ms: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """The recovery pair's private half, and the campaigns that are looked for.

    A wrapped key opens only for the campaign that it was wrapped for, whose id stands in no manifest in clear: so each
    id is tried.
    """

    private: X25519PrivateKey = field(repr=False)
    refs: Sequence[str]

    def open(self, wrapped: bytes, *, network: str, kid: bytes) -> tuple[str, bytes] | None:
        """Which campaign's first epoch this is, and its key; None if it is none of these, or for another pair."""
        for ref in self.refs:
            try:
                purpose = Purpose("recovery", network, campaign_owner(ref))
                return ref, unwrap_from(self.private, wrapped, purpose=purpose, kid=kid)
            except EnvelopeRejected:
                continue
        return None


def recovery_key(path: Path, *, key: str) -> X25519PrivateKey:
    """The private half, 64 hex digits in a file. Raises ConfigInvalid that names the file and `key`, no content."""
    return X25519PrivateKey.from_private_bytes(hex_key(path, key))


def epochs_held(connection: Connection, *, master: bytes) -> list[HeldEpoch]:
    """Every epoch there but the store's own, each proven to open. Raises SealBroken under another master key."""
    found = [HeldEpoch(*row) for row in connection.execute(select(*epochs.c).where(epochs.c.owner != STORE))]
    for each in found:
        unwrap_key(each.wrapped, master_key=master, owner=each.owner, kid=each.kid)
    return found


def first_epoch(owner: str, key: bytes, *, master: bytes, now_ms: int) -> HeldEpoch:
    """A key had from elsewhere, as `owner`'s first epoch."""
    wrapped = wrap_key(key, master_key=master, owner=owner, nonce=os.urandom(NONCE_BYTES))
    return HeldEpoch(owner, 1, kid_of(key), wrapped, now_ms)


def take_over(connection: Connection, held: Sequence[HeldEpoch]) -> None:
    """Keep the epochs that aren't there yet."""
    known = {(owner, number) for owner, number in connection.execute(select(epochs.c.owner, epochs.c.number))}
    rows = [
        {"owner": e.owner, "number": e.number, "kid": e.kid, "wrapped": e.wrapped, "created_ms": e.created_ms}
        for e in held
        if (e.owner, e.number) not in known
    ]
    if rows:
        connection.execute(insert(epochs), rows)
