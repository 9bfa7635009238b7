"""Books what the sweep saw, and the creations that it doesn't see; warns when a budget is nearly spent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from sqlalchemy import Connection

from bridge.database import Database
from bridge.log import get_logger
from bridge.publish import booking, costs
from bridge.publish.budgets import Bill, Budgets, crossed, hbar
from bridge.publish.rates import Rates
from topics.fees import ExchangeRate
from topics.mirror.answers import TransactionOutcome
from topics.values import TransactionId

log = get_logger(__name__)

BATCH = 500
"""Entries booked in one transaction, so that the writer isn't held up for long."""
MAX_CREATIONS = 20
"""Creations that are looked up at a time."""
LOOK_AGAIN_S = 60.0


class Outcomes(Protocol):
    """What is asked of a mirror."""

    async def transaction(self, transaction_id: TransactionId, /) -> list[TransactionOutcome]:
        """Every entry of that id, none when it isn't known."""


class Bookkeeper:
    """Holds when it last looked for creations that nobody told it of; all else is in the database."""

    def __init__(
        self, database: Database, outcomes: Outcomes, rates: Rates, *, budgets: Budgets, now_s: Callable[[], float]
    ) -> None:
        self._database = database
        self._outcomes = outcomes
        self._rates = rates
        self._budgets = budgets
        self._now_s = now_s
        self._looked_s: float | None = None

    async def book(self, rows: Sequence[TransactionOutcome]) -> None:
        """Book these entries, in consensus order, and the topics of the campaigns that begin with them.

        Entries that are booked already change nothing. Raises Unavailable, as the mirror does and as the database does.
        """
        begun: set[str] = set()
        for start in range(0, len(rows), BATCH):
            begun |= set(await self._keep(rows[start : start + BATCH]))
        if begun:  # a manifest's creation came before it, so the mirror has it by now
            await self._book_creations(begun)
        elif self._looked_s is None or self._now_s() - self._looked_s >= LOOK_AGAIN_S:
            await self._book_creations(None)
            self._looked_s = self._now_s()

    async def _book_creations(self, refs: Collection[str] | None) -> None:
        limit = MAX_CREATIONS if refs is None else len(refs)
        for transaction_id in await self._database.read(lambda c: booking.unbooked_creations(c, refs, limit=limit)):
            await self._keep(await self._outcomes.transaction(transaction_id))

    async def _keep(self, rows: Sequence[TransactionOutcome]) -> Collection[str]:
        """Book, and warn. The campaigns whose manifest was among it."""
        if not rows:
            return ()
        rate = await self._rates.now()
        booked, after = await self._database.write(lambda c: self._booked(c, rows, rate))
        for bill, tinybar in after.items():
            limit = self._budgets.limit(bill)
            if crossed(limit, before=tinybar - booked.added[bill], after=tinybar):
                log.warning("budget nearly spent", budget=str(bill), spent_hbar=hbar(tinybar), limit_hbar=hbar(limit))
        return booked.begun

    def _booked(
        self, connection: Connection, rows: Sequence[TransactionOutcome], rate: ExchangeRate
    ) -> tuple[booking.Booked, dict[Bill, int]]:
        booked = booking.book(connection, rows, rate)
        limited = [bill for bill in booked.added if self._budgets.limit(bill)]
        return booked, costs.spent(connection, limited)
