"""Transaction ids that never repeat: one strictly increasing nanosecond counter for a payer on one node of ours."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from topics.network_time import MAX_AHEAD_NS, NetworkTime
from topics.values import AccountId, TransactionId

NODE_NUMBERS = 100
"""The last two digits of a valid start are the number of the bridge's node, so that nodes with one payer never meet."""


def _free(_: TransactionId) -> bool:
    return False


class TransactionIds:
    """Holds the last valid start that was handed out.

    The caller records each id under a unique constraint before it is sent, and starts from the highest recorded one.
    """

    def __init__(
        self,
        payer: AccountId,
        *,
        last_ns: int,
        now_ns: Callable[[], int],
        node_number: int = 0,
        network: NetworkTime | None = None,
        is_taken: Callable[[TransactionId], bool] = _free,
    ) -> None:
        if not 0 <= node_number < NODE_NUMBERS:
            raise ValueError(f"a node number is from 0 to {NODE_NUMBERS - 1}")
        self.network = network or NetworkTime(now_ns)
        self.payer = payer
        self._node_number = node_number
        self._is_taken = is_taken
        self._last_ns = last_ns
        self._highest_ns = last_ns
        self._lock = Lock()  # the database's writer draws ids in its thread, and the event loop in its own

    def next(self) -> TransactionId:
        """An id that was never handed out; its window opens now, or just behind the last one.

        Only where our clock had run ahead (more than 5 s of the network's time, and the network has told it) does the
        counter step back; below the highest id that there was, `is_taken` is asked which are on record.
        """
        with self._lock:
            start_ns = self.network.valid_start_ns()
            stepped_back = self.network.known and self._last_ns > start_ns + MAX_AHEAD_NS
            at_ns = self._own(start_ns if stepped_back else max(self._last_ns + 1, start_ns))
            while at_ns <= self._highest_ns and self._is_taken(TransactionId(self.payer, at_ns)):
                at_ns += NODE_NUMBERS
            self._last_ns = at_ns
            self._highest_ns = max(self._highest_ns, at_ns)
            self.network.clock_ahead_s()  # logs it
            return TransactionId(self.payer, at_ns)

    def _own(self, from_ns: int) -> int:
        """The first value from there on that ends in our node's number."""
        return from_ns + (self._node_number - from_ns) % NODE_NUMBERS
