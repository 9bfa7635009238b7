"""What one answer of a mirror is made from: what it has imported, as of a time, and what it makes of the messages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from topics.devnet.mirror_index import MirrorAccount, MirrorIndex, MirrorTopic, Timeline
from topics.devnet.mirror_parameters import MAX_INT64
from topics.devnet.record import Record
from topics.values import AccountId, TopicId, TopicMessage, TransactionId

Tell = Callable[[Iterable[TopicMessage]], Iterator[TopicMessage]]


class MirrorView:
    """The index as far as `horizon_ns`: nothing that reached consensus later is in it.

    Balances, and what was changed of a topic since, are the newest: no reader needs them older. `tell` says what is
    shown for messages, in the order in which they are shown.
    """

    def __init__(self, index: MirrorIndex, *, horizon_ns: int = MAX_INT64, tell: Tell = iter) -> None:
        self._index = index
        self._horizon_ns = horizon_ns
        self.tell = tell

    @property
    def fresh_ns(self) -> int:
        """Everything that reached consensus up to then is here."""
        return min(self._index.fresh_ns, self._horizon_ns)

    def topic(self, topic_id: TopicId) -> MirrorTopic | None:
        """The topic and its messages."""
        topic = self._index.topics.get(topic_id)
        if topic is None or topic.entity.created_ns > self._horizon_ns:
            return None
        return MirrorTopic(topic.entity, topic.messages.until(self._horizon_ns))

    def account(self, account_id: AccountId) -> MirrorAccount | None:
        """The account."""
        account = self._index.accounts.get(account_id)
        return None if account is None or account.entity.created_ns > self._horizon_ns else account

    def transactions(self, payer: AccountId | None = None, type_: str | None = None) -> Timeline[Record]:
        """All records, or a payer's, or a type's, or a payer's of a type."""
        return self._index.transactions(payer, type_).until(self._horizon_ns)

    def transaction(self, transaction_id: TransactionId) -> list[Record]:
        """Every end that this id has had, oldest first."""
        return [each for each in self._index.transaction(transaction_id) if each.consensus_ns <= self._horizon_ns]
