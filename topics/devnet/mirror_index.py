"""What the mirror has imported, indexed by everything that its REST is asked for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from topics.devnet.mirror_parameters import MAX_INT64
from topics.devnet.record import Record
from topics.devnet.state import Account, AccountEntity, TopicEntity
from topics.values import AccountId, TopicId, TopicMessage, TransactionId

Row = TypeVar("Row")


class Timeline(Generic[Row]):
    """Rows in consensus order."""

    __slots__ = ("_last_ns", "_rows", "_times")

    def __init__(self) -> None:
        self._times: list[int] = []
        self._rows: list[Row] = []
        self._last_ns = MAX_INT64

    def until(self, last_ns: int) -> Timeline[Row]:
        """The same rows, as far as that time: a view that grows with them."""
        view: Timeline[Row] = Timeline()
        view._times, view._rows, view._last_ns = self._times, self._rows, last_ns
        return view

    def __len__(self) -> int:
        return self.indices(0, MAX_INT64).stop

    def append(self, consensus_ns: int, row: Row) -> None:
        """Add the newest."""
        self._times.append(consensus_ns)
        self._rows.append(row)

    def at(self, index: int) -> Row:
        """The row at an index from 0."""
        return self._rows[index]

    def first_ns(self) -> int | None:
        """When the oldest row reached consensus."""
        return self._times[0] if len(self) else None

    def indices(self, low_ns: int, high_ns: int) -> range:
        """Where the rows of that time lie, both ends included."""
        return range(bisect_left(self._times, low_ns), bisect_right(self._times, min(high_ns, self._last_ns)))

    def walk(self, indices: range, *, descending: bool) -> Iterator[Row]:
        """Those rows, one after another."""
        for index in reversed(indices) if descending else indices:
            yield self._rows[index]


@dataclass(slots=True)
class MirrorTopic:
    """A topic as the mirror shows it; the message with sequence number n has index n - 1."""

    entity: TopicEntity
    messages: Timeline[TopicMessage] = field(default_factory=Timeline)


@dataclass(slots=True)
class MirrorAccount:
    """An account as the mirror shows it."""

    entity: AccountEntity
    balance: int


class MirrorIndex:
    """Records wait here until the mirror may know of them, then they are found by time, payer, type, id and topic."""

    def __init__(self, *, delay_ns: int, genesis_ns: int) -> None:
        self._delay_ns = delay_ns
        self._coming: deque[tuple[int, Record]] = deque()
        self._by: dict[tuple[AccountId | None, str | None], Timeline[Record]] = {}
        self._by_id: dict[TransactionId, list[Record]] = {}
        self.fresh_ns = genesis_ns
        """Everything that reached consensus up to then is here."""
        self.topics: dict[TopicId, MirrorTopic] = {}
        self.accounts: dict[AccountId, MirrorAccount] = {}
        self.on_import: list[Callable[[Record], None]] = []
        """Told of each record as it is imported."""

    def open_account(self, account: Account) -> None:
        """Show an account that no transaction created."""
        self.accounts[account.entity.id] = MirrorAccount(account.entity, account.balance)

    def announce(self, record: Record, reached_ns: int) -> None:
        """Take a record over; the mirror knows of it the delay after `reached_ns`."""
        self._coming.append((reached_ns + self._delay_ns, record))

    def next_ns(self) -> int | None:
        """When the next record is imported, None while none is on its way."""
        return self._coming[0][0] if self._coming else None

    def advance(self, now_ns: int) -> None:
        """Import what is due."""
        while self._coming and self._coming[0][0] <= now_ns:
            self._import(self._coming.popleft()[1])
        self.fresh_ns = max(self.fresh_ns, now_ns - self._delay_ns)

    def transactions(self, payer: AccountId | None = None, type_: str | None = None) -> Timeline[Record]:
        """All records, or a payer's, or a type's, or a payer's of a type."""
        return self._by.get((payer, type_), Timeline())

    def transaction(self, transaction_id: TransactionId) -> list[Record]:
        """Every end that this id has had, oldest first."""
        return self._by_id.get(transaction_id, [])

    def everything(self) -> Iterator[Record]:
        """Every record there is, in consensus order, whether the mirror may know of it yet or not."""
        known = self.transactions()
        yield from known.walk(range(len(known)), descending=False)
        yield from (record for _, record in self._coming)

    def _import(self, record: Record) -> None:
        payer, type_ = record.id.payer, record.type
        for key in ((None, None), (payer, None), (None, type_), (payer, type_)):
            timeline = self._by.get(key)
            if timeline is None:
                timeline = self._by[key] = Timeline()
            timeline.append(record.consensus_ns, record)
        self._by_id.setdefault(record.id, []).append(record)
        if isinstance(record.created, TopicEntity):
            self.topics[record.created.id] = MirrorTopic(record.created)
        if isinstance(record.created, AccountEntity):
            self.accounts[record.created.id] = MirrorAccount(record.created, 0)
        if record.changed is not None:
            self.topics[record.changed.id].entity = record.changed
        for account_id, amount in record.transfers.items():
            self.accounts[account_id].balance += amount
        if record.message is not None:
            self.topics[record.message.topic_id].messages.append(record.consensus_ns, record.message)
        for listener in self.on_import:
            listener(record)
