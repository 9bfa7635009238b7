"""Makes a topic, once: the intent is on disk before the transaction leaves, so that a crash leaks no topic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from topics.errors import Rejected, StartInFuture
from topics.ledger.port import Receipt, TopicCreate
from topics.settlement import NeverRan, Sources, Witness, settle
from topics.unsent import Unsent
from topics.values import NANOS, TopicId, TransactionId


@dataclass(frozen=True, slots=True)
class TopicTerms:
    """What every topic of ours is made with."""

    memo: str
    admin_key: bool
    auto_renew_s: int
    max_fee_tinybar: int

    def creation(self, intent: Intent) -> TopicCreate:
        """The transaction that `intent` is for."""
        return TopicCreate(
            intent.id,
            self.memo,
            admin_key=self.admin_key,
            valid_duration_s=intent.valid_duration_s,
            max_fee_tinybar=self.max_fee_tinybar,
            auto_renew_s=self.auto_renew_s,
        )


@dataclass(frozen=True, slots=True)
class Intent:
    """A transaction id for a topic's creation, and how long it may run: not what is configured by now."""

    id: TransactionId
    valid_duration_s: int
    fresh: bool = field(default=False, compare=False)
    """Drawn and recorded by this very call, so that nobody can have sent it."""


class TopicSource(Protocol):
    """Who has topics made."""

    async def create(self, ref: str) -> TopicId:
        """The topic of `ref`, made now or by an earlier attempt."""


class CreateIntents(Protocol):
    """The durable side of creation; every call returns after its commit."""

    async def intent(self, ref: str) -> Intent | TopicId:
        """What this ref's topic is being made under: the intent on record, or a new one, recorded now.

        The topic itself if it was made already: under a new intent there would be a second one.
        """

    async def spent(self, transaction_id: TransactionId, status: str) -> None:
        """That id made no topic and can't any more."""

    async def created(self, ref: str, transaction_id: TransactionId, topic_id: TopicId) -> None:
        """That id made this topic."""


async def at_once() -> None:
    """No pace."""


class Creator:
    """Makes topics for refs, through whichever ledger, by recorded intents.

    `pace` is awaited before each transaction: the network takes few topics a second.
    """

    def __init__(
        self,
        terms: TopicTerms,
        intents: CreateIntents,
        *,
        sources: Sources,
        witness: Witness,
        pace: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        self._terms = terms
        self._intents = intents
        self._sources = sources
        self._witness = witness
        self._pace = pace
        self._unsent = Unsent()

    async def create(self, ref: str) -> TopicId:
        """The topic of `ref`, made now or by an earlier attempt. Raises Unavailable or Rejected; call again later.

        An id that a node refuses stays the one on record: an earlier copy of it may be on its way all the same.
        """
        while True:
            intent = await self._intents.intent(ref)
            if isinstance(intent, TopicId):
                return intent
            if intent.fresh:
                self._unsent.drawn([intent.id])
            await self._pace()
            try:
                receipt = await self._send_and_settle(intent)
            except NeverRan:
                await self._intents.spent(intent.id, "NEVER_RAN")
                continue
            if receipt.status == "SUCCESS" and receipt.topic_id is not None:
                await self._intents.created(ref, intent.id, receipt.topic_id)
                return receipt.topic_id
            await self._intents.spent(intent.id, receipt.status)
            raise Rejected(f"topic creation {intent.id}", receipt.status)

    async def _send_and_settle(self, intent: Intent) -> Receipt:
        untouched = self._unsent.sending(intent.id)
        try:
            return await self._settle(intent)
        except StartInFuture as refusal:
            if untouched:  # the next call takes another id, by the network's time, which the mirror tells
                await self._intents.spent(intent.id, refusal.reason)
                await self._sources.mirror.latest_consensus_ns()
            raise

    async def _settle(self, intent: Intent) -> Receipt:
        create = self._terms.creation(intent)
        return await settle(
            intent.id,
            lambda: self._sources.ledger.create_topic(create),
            window_end_ns=intent.id.valid_start_ns + intent.valid_duration_s * NANOS,
            sources=self._sources,
            idle=self._mark,
        )

    async def _mark(self) -> bool:
        """No topic can be asked whether it came to be, so the payer gets a transaction for the mirror to show."""
        await self._witness.mark()
        return False
