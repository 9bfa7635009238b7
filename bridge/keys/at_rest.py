"""Seals what the database holds of events, under the store's own key."""

from __future__ import annotations

import os
from collections.abc import Callable

from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.wrapping import NONCE_BYTES, open_body, seal_body


class AtRest:
    """Holds the store key. Each body is bound to the names of the row that it stands in."""

    def __init__(self, epoch: Epoch, *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._key = epoch.key
        self._random_bytes = random_bytes

    def seal(self, body: bytes, label: str, *row: str | int | bytes) -> bytes:
        """Sealed for the row that `label` (the table) and `row` (its identity) name."""
        return seal_body(body, key=self._key, nonce=self._random_bytes(NONCE_BYTES), label=label, row=row)

    def open(self, sealed: bytes, label: str, *row: str | int | bytes) -> bytes:
        """The way back. Raises SealBroken for another row, another key, or a changed byte."""
        return open_body(sealed, key=self._key, label=label, row=row)
