"""The durable side of topic creation: which id a campaign's topic is being made under."""

from __future__ import annotations

from sqlalchemy import Connection

from bridge.database import Database
from bridge.errors import BudgetSpent
from bridge.publish import id_records
from bridge.publish.budgets import Stop
from bridge.publish.purse import Purse, Step, sponsor_alone
from bridge.schema import registry
from topics.creator import Intent
from topics.ledger.port import Receipt
from topics.transaction_ids import TransactionIds
from topics.values import TopicId, TransactionId


class Creations:
    """Keeps creation intents in this database (port: topics.creator.CreateIntents)."""

    def __init__(
        self, database: Database, ids: TransactionIds, *, valid_duration_s: int, purse: Purse | None = None
    ) -> None:
        self._database = database
        self._ids = ids
        self._valid_duration_s = valid_duration_s
        self._purse = Purse() if purse is None else purse

    async def intent(self, ref: str) -> Intent | TopicId:
        """The intent on record for this ref's topic, or a new one, recorded now; the topic, if it has one.

        Raises BudgetSpent where a budget leaves no room for a new intent.
        """
        found = await self._database.write(lambda c: self._intent(c, ref))
        if isinstance(found, Stop):
            raise BudgetSpent(str(found), hint=found.hint)
        return found

    async def spent(self, transaction_id: TransactionId, status: str) -> None:
        """That id made no topic."""
        await self._database.write(lambda c: id_records.spent(c, transaction_id, status))

    async def created(self, ref: str, transaction_id: TransactionId, topic_id: TopicId) -> None:
        """That id made this topic."""

        def keep(connection: Connection) -> None:
            id_records.settled(connection, {transaction_id: Receipt("SUCCESS", topic_id)})
            registry.created(connection, ref, topic_id)

        await self._database.write(keep)

    def _intent(self, connection: Connection, ref: str) -> Intent | TopicId | Stop:
        registered = registry.find(connection, ref)
        if registered is not None and registered.topic_id is not None:
            return registered.topic_id
        pending = id_records.pending_creation(connection, ref)
        if pending is not None:
            return pending
        fresh = Intent(self._ids.next(), self._valid_duration_s, fresh=True)
        if self._purse:
            shares = sponsor_alone(connection, ref)
            step = Step(ref, self._purse.creation_fees(fresh), shares)
            if (stop := self._purse.stop(connection, step)) is not None:
                return stop
            self._purse.reserve(connection, step)
        id_records.record_creation(connection, ref, fresh)
        return fresh
