"""What the nodes remember of transaction ids: who took one, and how it ended; until its receipt's time is over."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from topics.devnet.record import Record
from topics.values import AccountId, TransactionId


@dataclass(slots=True)
class Entry:
    """`nodes` took the id; `records` are its ends in consensus order, known to every node."""

    nodes: set[AccountId] = field(default_factory=set)
    records: list[Record] = field(default_factory=list)

    def known_at(self, node: AccountId) -> bool:
        """A node knows what it took itself and what reached consensus."""
        return bool(self.records) or node in self.nodes


class History:
    """Entries by transaction id; each is forgotten `lifetime_ns` after its valid start."""

    def __init__(self, lifetime_ns: int) -> None:
        self._lifetime_ns = lifetime_ns
        self._entries: dict[TransactionId, Entry] = {}
        self._expiry: list[tuple[int, TransactionId]] = []

    def at(self, node: AccountId, transaction_id: TransactionId) -> Entry | None:
        """What `node` knows of the id; None: never heard of it, or forgotten."""
        entry = self._entries.get(transaction_id)
        return entry if entry is not None and entry.known_at(node) else None

    def take(self, node: AccountId, transaction_id: TransactionId) -> None:
        """Remember that `node` took the id."""
        self._entry(transaction_id).nodes.add(node)

    def ran(self, transaction_id: TransactionId) -> bool:
        """Whether the id reached consensus before."""
        entry = self._entries.get(transaction_id)
        return entry is not None and bool(entry.records)

    def add(self, record: Record) -> None:
        """Remember how an id ended."""
        self._entry(record.id).records.append(record)

    def forget(self, now_ns: int) -> None:
        """Drop what is too old."""
        while self._expiry and self._expiry[0][0] <= now_ns:
            _, transaction_id = heapq.heappop(self._expiry)
            self._entries.pop(transaction_id, None)

    def _entry(self, transaction_id: TransactionId) -> Entry:
        entry = self._entries.get(transaction_id)
        if entry is None:
            entry = self._entries[transaction_id] = Entry()
            heapq.heappush(self._expiry, (transaction_id.valid_start_ns + self._lifetime_ns, transaction_id))
        return entry
