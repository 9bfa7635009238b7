"""Topics made ahead of time: which there are, which are being made, and how a new campaign takes one.

A row stands from the intent to make a topic until a campaign takes it. So every topic that we ever made is a
campaign's or in here, or the intent that it came from is still to be settled.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, select, update

from bridge.database import Database
from bridge.errors import BudgetSpent
from bridge.publish import id_records
from bridge.publish.budgets import Stop
from bridge.publish.costs import NOBODY
from bridge.publish.purse import Purse, Step
from bridge.schema import pool, registry, transactions
from topics.creator import Intent, TopicTerms
from topics.ledger.port import Receipt
from topics.transaction_ids import TransactionIds
from topics.values import AccountId, TopicId, TransactionId

POOL = "_pool"
"""What the creations are kept and booked under: no campaign, and nobody's API key."""


@dataclass(frozen=True, slots=True)
class Place:
    """A topic of the pool, or one that is being made; `status`: being made, ready, or of other terms."""

    number: int
    topic_id: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Statements over the pool for topics of these terms; the others stay where they are. `terms` is their hash."""

    terms: bytes

    @classmethod
    def of(cls, terms: TopicTerms, submit_key: bytes) -> Pool:
        """The pool of the topics that have this memo, renewal and admin key, and this public key as submit key."""
        what_stays = [terms.memo, terms.admin_key, terms.auto_renew_s, submit_key.hex()]
        return cls(hashlib.sha256(json.dumps(what_stays).encode()).digest())

    def take(self, connection: Connection, ref: str) -> TopicId | None:
        """Give the oldest ready topic to a campaign that was just registered; None if there is none."""
        ready = select(pool.c.number, pool.c.topic_id).where(self._ready()).order_by(pool.c.number).limit(1)
        found = connection.execute(ready).one_or_none()
        if found is None:
            return None
        topic_id = TopicId.parse(found.topic_id)
        connection.execute(delete(pool).where(pool.c.number == found.number))
        registry.created(connection, ref, topic_id)
        return topic_id

    def due(self, connection: Connection, *, size: int) -> list[int]:
        """The numbers to be made: those that were begun, and as many more as lack until `size` are ready."""
        begun = list(connection.execute(select(pool.c.number).where(pool.c.topic_id.is_(None))).scalars())
        ready, last = connection.execute(
            select(func.count().filter(self._ready()), func.max(pool.c.number)).select_from(pool)
        ).one()
        first = (last or 0) + 1
        return begun + list(range(first, first + max(0, size - ready - len(begun))))

    def places(self, connection: Connection) -> list[Place]:
        """All of it, in the order in which campaigns take them."""
        made = case((pool.c.terms == self.terms, "ready"), else_="of other terms")
        status = case((pool.c.topic_id.is_(None), "being made"), else_=made)
        found = select(pool.c.number, pool.c.topic_id, status).order_by(pool.c.number)
        return [Place(*row) for row in connection.execute(found)]

    def unusable(self, connection: Connection) -> int:
        """How many topics stay unused because they were made by other terms."""
        others = select(func.count()).where(pool.c.topic_id.is_not(None), pool.c.terms != self.terms)
        return int(connection.execute(others).scalar_one())

    def _ready(self) -> ColumnElement[bool]:
        return and_(pool.c.topic_id.is_not(None), pool.c.terms == self.terms)


class PoolIntents:
    """Keeps the intents of topics for the pool; a ref is a number in it (port: topics.creator.CreateIntents)."""

    def __init__(
        self, database: Database, ids: TransactionIds, ready: Pool, *, valid_duration_s: int, purse: Purse
    ) -> None:
        self._database = database
        self._ids = ids
        self._pool = ready
        self._valid_duration_s = valid_duration_s
        self._purse = purse

    async def intent(self, ref: str) -> Intent | TopicId:
        """The intent on record under this number, or a new one, recorded now. Raises BudgetSpent instead of that."""
        found = await self._database.write(lambda c: self._intent(c, int(ref)))
        if isinstance(found, Stop):
            raise BudgetSpent(str(found), hint=found.hint)
        return found

    async def spent(self, transaction_id: TransactionId, status: str) -> None:
        """That id made no topic; its place in the pool is free."""

        def keep(connection: Connection) -> None:
            id_records.spent(connection, transaction_id, status)
            connection.execute(delete(pool).where(_made_under(transaction_id)))

        await self._database.write(keep)

    async def created(self, ref: str, transaction_id: TransactionId, topic_id: TopicId) -> None:
        """That id made this topic."""

        def keep(connection: Connection) -> None:
            id_records.settled(connection, {transaction_id: Receipt("SUCCESS", topic_id)})
            connection.execute(update(pool).where(_made_under(transaction_id)).values(topic_id=str(topic_id)))

        await self._database.write(keep)

    def _intent(self, connection: Connection, number: int) -> Intent | TopicId | Stop:
        found = connection.execute(select(pool).where(pool.c.number == number)).one_or_none()
        if found is not None and found.topic_id is not None:
            return TopicId.parse(found.topic_id)
        if found is not None:
            return _recorded(connection, TransactionId(AccountId.parse(found.payer), found.valid_start_ns))
        fresh = Intent(self._ids.next(), self._valid_duration_s, fresh=True)
        if self._purse:
            step = Step(POOL, self._purse.creation_fees(fresh), {NOBODY: 1})
            if (stop := self._purse.stop(connection, step)) is not None:
                return stop
            self._purse.reserve(connection, step)
        registry.reserve(connection, POOL, now_ms=fresh.id.valid_start_ns // 1_000_000)
        id_records.record_creation(connection, POOL, fresh)
        place = {"payer": str(fresh.id.payer), "valid_start_ns": fresh.id.valid_start_ns}
        connection.execute(insert(pool).values(number=number, terms=self._pool.terms, **place))
        return fresh


def _recorded(connection: Connection, transaction_id: TransactionId) -> Intent:
    """The window it was recorded with, whatever is configured by now."""
    found = select(transactions.c.valid_duration_s).where(
        transactions.c.payer == str(transaction_id.payer),
        transactions.c.valid_start_ns == transaction_id.valid_start_ns,
    )
    return Intent(transaction_id, connection.execute(found).scalar_one())


def _made_under(transaction_id: TransactionId) -> ColumnElement[bool]:
    return and_(pool.c.payer == str(transaction_id.payer), pool.c.valid_start_ns == transaction_id.valid_start_ns)
