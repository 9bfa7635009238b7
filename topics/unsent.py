"""Transaction ids that no node can have: drawn by this process, and refused unseen each time they were sent.

Only these may be given up without proof. Nothing of it outlives the process: after a restart nobody knows what left.
"""

from __future__ import annotations

from collections.abc import Iterable

from topics.values import TransactionId


class Unsent:
    """Holds such ids, and which of them nodes call the future's."""

    def __init__(self) -> None:
        self._untouched: set[TransactionId] = set()
        self._too_early: set[TransactionId] = set()

    def drawn(self, ids: Iterable[TransactionId]) -> None:
        """These are new: on disk, and never sent."""
        self._untouched.update(ids)

    def sending(self, transaction_id: TransactionId) -> bool:
        """It leaves now, and from here on a node may have it. Whether that was impossible before."""
        untouched = transaction_id in self._untouched
        self._untouched.discard(transaction_id)
        return untouched

    def too_early(self, transaction_id: TransactionId) -> None:
        """It was untouched when it was sent, and every node that got it has answered that its start is to come."""
        self._too_early.add(transaction_id)

    def give_up(self, transaction_id: TransactionId) -> bool:
        """Whether it may be given up for an id with an earlier start; asked once."""
        given_up = transaction_id in self._too_early
        self._too_early.discard(transaction_id)
        return given_up
