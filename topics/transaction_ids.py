"""Transaction ids that never repeat: one strictly increasing nanosecond counter for a payer."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from topics.values import NANOS, AccountId, TransactionId

BACKDATE_NS = 3 * NANOS
"""How far behind our clock a valid start lies, so that a node whose clock is a bit late takes it (SDKs: 5 to 8 s)."""


class TransactionIds:
    """Holds the last valid start that was handed out.

    The caller records each id under a unique constraint before it is sent, and starts from the highest recorded one.
    """

    def __init__(self, payer: AccountId, *, last_ns: int, now_ns: Callable[[], int]) -> None:
        self._payer = payer
        self._last_ns = last_ns
        self._now_ns = now_ns
        self._lock = Lock()  # the database's writer draws ids in its thread, and the event loop in its own

    def next(self) -> TransactionId:
        """An id that was never handed out; its window opens now, or just behind the last one."""
        with self._lock:
            self._last_ns = max(self._last_ns + 1, self._now_ns() - BACKDATE_NS)
            return TransactionId(self._payer, self._last_ns)
