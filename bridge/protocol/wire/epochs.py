"""Key epochs: a key, the id that it is known by on the ledger, and how a reader finds it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol, Self

from bridge.protocol.values import KEY_BYTES, KID_BYTES


def kid_of(key: bytes) -> bytes:
    """The 8 bytes under which `key` is known: they say nothing about it, and two keys never share them by chance."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(key)}")
    return hashlib.sha256(b"hcs-bridge/1 kid" + key).digest()[:KID_BYTES]


def topic_ref(first_epoch_key: bytes, campaign_id: str) -> bytes:
    """16 bytes by which a holder of the first epoch's key recognises the campaign's topic; noise to others."""
    return hmac.digest(first_epoch_key, b"hcs-bridge/1 ref" + campaign_id.encode(), "sha256")[:16]


@dataclass(frozen=True, slots=True)
class Epoch:
    """A key in force from one frame on. The key stays out of `repr`, and so out of logs and tracebacks."""

    kid: bytes
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> Self:
        """The epoch of these 32 bytes."""
        return cls(kid_of(key), key)


class KeyLookup(Protocol):
    """What a reader holds. A campaign's key never opens a user's event, nor the other way round: two name spaces."""

    def epoch(self, kid: bytes) -> bytes | None:
        """The key of a campaign's epoch."""

    def user(self, kid: bytes) -> bytes | None:
        """The key of a user's epoch."""


class KeyTable:
    """A KeyLookup over keys held in memory."""

    def __init__(self, *, epochs: tuple[Epoch, ...] = (), users: tuple[Epoch, ...] = ()) -> None:
        self._epochs = {epoch.kid: epoch.key for epoch in epochs}
        self._users = {epoch.kid: epoch.key for epoch in users}

    def epoch(self, kid: bytes) -> bytes | None:
        """The key of a campaign's epoch, or None."""
        return self._epochs.get(kid)

    def user(self, kid: bytes) -> bytes | None:
        """The key of a user's epoch, or None."""
        return self._users.get(kid)
