"""Seals what the database holds of events, under the store's own key."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from bridge.errors import SealBroken
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.wrapping import NONCE_BYTES, open_body, seal_body


class AtRest:
    """Holds the store's keys, the newest first. Each body is bound to the names of the row that it stands in."""

    def __init__(self, *epochs: Epoch, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = tuple(epoch.key for epoch in epochs)
        self._random_bytes = random_bytes

    def seal(self, body: bytes, label: str, *row: str | int | bytes) -> bytes:
        """Sealed under the newest key for the row that `label` (the table) and `row` (its identity) name."""
        return seal_body(body, key=self._keys[0], nonce=self._random_bytes(NONCE_BYTES), label=label, row=row)

    def open(self, sealed: bytes, label: str, *row: str | int | bytes) -> bytes:
        """The way back. Raises SealBroken for another row, another key, or a changed byte."""
        newest, *older = self._keys
        for key in older:  # there only while what they sealed is being sealed anew
            with suppress(SealBroken):
                return open_body(sealed, key=key, label=label, row=row)
        return open_body(sealed, key=newest, label=label, row=row)

    def reseal(self, sealed: bytes, label: str, *row: str | int | bytes) -> bytes | None:
        """A body that an older key sealed, under the newest; None for one that stands under it. Raises as `open`."""
        with suppress(SealBroken):
            open_body(sealed, key=self._keys[0], label=label, row=row)
            return None
        return self.seal(self.open(sealed, label, *row), label, *row)

    def change(self, *epochs: Epoch) -> None:
        """Go on with these keys, the newest first."""
        self._keys = tuple(epoch.key for epoch in epochs)
