"""Makes a topic, once: the intent is on disk before the transaction leaves, so that a crash leaks no topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from topics.errors import Rejected
from topics.ledger.port import Ledger, Receipt, TopicCreate
from topics.settlement import NeverRan, OutcomeSource, settle
from topics.values import NANOS, TopicId, TransactionId


@dataclass(frozen=True, slots=True)
class TopicTerms:
    """What every topic of ours is made with."""

    memo: str
    admin_key: bool
    auto_renew_s: int
    max_fee_tinybar: int


@dataclass(frozen=True, slots=True)
class Intent:
    """A transaction id for a topic's creation, and how long it may run: not what is configured by now."""

    id: TransactionId
    valid_duration_s: int


class CreateIntents(Protocol):
    """The durable side of creation; every call returns after its commit."""

    async def intent(self, ref: str) -> Intent:
        """What this ref's topic is being made under: the intent on record, or a new one, recorded now."""

    async def spent(self, transaction_id: TransactionId, status: str) -> None:
        """That id made no topic and can't any more."""

    async def created(self, ref: str, transaction_id: TransactionId, topic_id: TopicId) -> None:
        """That id made this topic."""


class Creator:
    """Makes topics for refs, through whichever ledger, by recorded intents."""

    def __init__(
        self,
        terms: TopicTerms,
        intents: CreateIntents,
        *,
        ledger: Ledger,
        mirror: OutcomeSource,
        now_ns: Callable[[], int],
    ) -> None:
        self._terms = terms
        self._intents = intents
        self._ledger = ledger
        self._mirror = mirror
        self._now_ns = now_ns

    async def create(self, ref: str) -> TopicId:
        """The topic of `ref`, made now or by an earlier attempt. Raises Unavailable or Rejected; call again later.

        An id that a node refuses stays the one on record: an earlier copy of it may be on its way all the same.
        """
        while True:
            intent = await self._intents.intent(ref)
            try:
                receipt = await self._settle(intent)
            except NeverRan:
                await self._intents.spent(intent.id, "NEVER_RAN")
                continue
            if receipt.status == "SUCCESS" and receipt.topic_id is not None:
                await self._intents.created(ref, intent.id, receipt.topic_id)
                return receipt.topic_id
            await self._intents.spent(intent.id, receipt.status)
            raise Rejected(f"topic creation {intent.id}", receipt.status)

    async def _settle(self, intent: Intent) -> Receipt:
        terms = self._terms
        create = TopicCreate(
            intent.id,
            terms.memo,
            admin_key=terms.admin_key,
            valid_duration_s=intent.valid_duration_s,
            max_fee_tinybar=terms.max_fee_tinybar,
            auto_renew_s=terms.auto_renew_s,
        )
        return await settle(
            intent.id,
            lambda: self._ledger.create_topic(create),
            window_end_ns=intent.id.valid_start_ns + intent.valid_duration_s * NANOS,
            ledger=self._ledger,
            mirror=self._mirror,
            now_ns=self._now_ns,
        )
