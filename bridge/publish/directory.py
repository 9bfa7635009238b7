"""Keeps the directory: a topic that lists the topics of all campaigns, each once, since no mirror can list them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, case, delete, insert, or_, select

from bridge.config_sections import Topics
from bridge.database import Database
from bridge.errors import BudgetSpent
from bridge.log import get_logger
from bridge.protocol.directory import MARK, registered, registration
from bridge.publish import id_records
from bridge.publish.booking import NEVER_RAN
from bridge.publish.budgets import Stop
from bridge.publish.costs import NOBODY
from bridge.publish.id_records import TransactionState
from bridge.publish.loading import Loader
from bridge.publish.makers import FAILURES
from bridge.publish.purse import Step
from bridge.schema import listed, registry, topics, transactions
from bridge.statements import upsert
from topics.creator import Intent, TopicSource
from topics.errors import Rejected, StartInFuture
from topics.ledger.estimates import submit_estimate
from topics.ledger.port import Receipt, Submission
from topics.mirror.rest import Mirror
from topics.registry import TopicState
from topics.running_hash import Verifier
from topics.settlement import NeverRan, Sources, Witness, settle
from topics.values import NANOS, START, AccountId, TopicId, TransactionId

log = get_logger(__name__)

DIRECTORY = "_directory"
"""What its topic is kept under, and its transactions are booked under: no campaign, and nobody's API key."""
LOOK_S = 5.0
"""Between two looks whether a campaign has got its topic."""

_ID = and_(transactions.c.payer == listed.c.payer, transactions.c.valid_start_ns == listed.c.valid_start_ns)
_WITH_LISTING = topics.outerjoin(listed, listed.c.topic_id == topics.c.topic_id).outerjoin(transactions, _ID)
_DUE = (
    select(topics.c.topic_id)
    .select_from(_WITH_LISTING)
    .where(
        topics.c.state.in_((TopicState.READY, TopicState.CLOSED)),  # there is a manifest, so readers know whose it is
        or_(listed.c.topic_id.is_(None), transactions.c.state == TransactionState.INTENDED),
    )
    .order_by(topics.c.registered_ms, topics.c.ref)
)
_STATUS = case(
    (topics.c.ref == DIRECTORY, "the directory itself"),
    (transactions.c.state == TransactionState.INTENDED, "being listed"),
    (listed.c.topic_id.is_not(None), "listed"),
    else_="not listed yet",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A topic, and whether the directory lists it."""

    campaign: str
    topic_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Makes the directory's topic, and lists topics there. What is listed, and under which ids, is on disk."""

    settings: Topics
    database: Database
    loader: Loader
    source: TopicSource
    sources: Sources
    witness: Witness

    async def run(self) -> None:
        """List what isn't listed, again and again until cancelled."""
        while True:
            failure = await self.advance()
            if failure is not None:
                hint = getattr(failure, "hint", "")
                log.warning("directory of topics not up to date; nothing is lost", reason=str(failure), hint=hint)
            await asyncio.sleep(LOOK_S if failure is None else self.loader.publish.retry_max_s)

    async def advance(self) -> Exception | None:
        """One round, as many at a time as may be; what went wrong first."""
        try:
            due = await self.database.read(lambda c: _due(c, self.settings.max_creations))
            if not due:
                return None
            directory = await self._topic()
        except FAILURES as failure:
            return failure
        for some in (due[:1], due[1:]):  # one goes ahead: what is refused at consensus is charged all the same
            ends = await asyncio.gather(*(self._list(topic_id, directory) for topic_id in some))
            if failures := [end for end in ends if end is not None]:
                return failures[0]
        return None

    async def _topic(self) -> TopicId:
        await self.database.write(lambda c: registry.reserve(c, DIRECTORY, now_ms=self.loader.now_ms()))
        return await self.source.create(DIRECTORY)

    async def _list(self, topic_id: TopicId, directory: TopicId) -> Exception | None:
        try:
            submission, fresh = await self._intended(topic_id, directory)
            receipt = await self._settle(submission, fresh=fresh)
            await self.database.write(lambda c: _keep(c, submission.id, receipt))
            if receipt.status not in {"SUCCESS", NEVER_RAN}:
                raise Rejected(f"listing {submission.id} of topic {topic_id}", receipt.status)
        except FAILURES as failure:
            return failure
        return None

    async def _intended(self, topic_id: TopicId, directory: TopicId) -> tuple[Submission, bool]:
        """The transaction on record that lists the topic, or a new one, recorded now; whether it is new."""
        intent = await self.database.write(lambda c: self._intent(c, topic_id, directory))
        if isinstance(intent, Stop):
            raise BudgetSpent(str(intent), hint=intent.hint)
        return self._submission(intent, topic_id, directory), intent.fresh

    def _intent(self, connection: Connection, topic_id: TopicId, directory: TopicId) -> Intent | Stop:
        pending = select(transactions.c.payer, transactions.c.valid_start_ns, transactions.c.valid_duration_s)
        row = connection.execute(pending.join(listed, _ID).where(listed.c.topic_id == str(topic_id))).one_or_none()
        if row is not None:
            return Intent(TransactionId(AccountId.parse(row.payer), row.valid_start_ns), row.valid_duration_s)
        purse, fresh = self.loader.purse, Intent(self.loader.ids.next(), self.loader.valid_duration_s, fresh=True)
        if purse:
            fee = submit_estimate(self._submission(fresh, topic_id, directory))
            step = Step(DIRECTORY, {fresh.id: fee}, {NOBODY: 1})
            if (stop := purse.stop(connection, step)) is not None:
                return stop
            purse.reserve(connection, step)
        id_records.record_creation(connection, DIRECTORY, fresh)
        id_ = {"payer": str(fresh.id.payer), "valid_start_ns": fresh.id.valid_start_ns}
        connection.execute(insert(listed).values(topic_id=str(topic_id), **id_))
        return fresh

    def _submission(self, intent: Intent, topic_id: TopicId, directory: TopicId) -> Submission:
        max_fee_tinybar = self.loader.purse.max_fee_tinybar
        return Submission(intent.id, directory, registration(topic_id), None, intent.valid_duration_s, max_fee_tinybar)

    async def _settle(self, submission: Submission, *, fresh: bool) -> Receipt:
        try:
            return await settle(
                submission.id,
                lambda: self.sources.ledger.submit(submission),
                window_end_ns=submission.id.valid_start_ns + submission.valid_duration_s * NANOS,
                sources=self.sources,
                idle=self._mark,
            )
        except NeverRan:
            return Receipt(NEVER_RAN)
        except StartInFuture:
            if fresh:  # no node can have it; the next round takes another id, by the network's time
                await self.database.write(lambda c: _keep(c, submission.id, Receipt("INVALID_TRANSACTION_START")))
                await self.sources.mirror.latest_consensus_ns()
            raise

    async def _mark(self) -> bool:
        """Others are listed beside it, so where the directory ends proves nothing: the mirror will."""
        await self.witness.mark()
        return False


def listings(connection: Connection) -> list[Listing]:
    """The directory's own topic, and all that there are to list, oldest first."""
    found = select(topics.c.ref, topics.c.topic_id, _STATUS).select_from(_WITH_LISTING)
    there = found.where(topics.c.topic_id.is_not(None))
    rows = connection.execute(there.order_by(topics.c.ref != DIRECTORY, topics.c.registered_ms, topics.c.ref))
    return [Listing(*row) for row in rows]


async def is_directory(mirror: Mirror, topic_id: TopicId) -> bool:
    """Whether its memo says that the topic lists others. Raises as `Mirror` does."""
    topic = await mirror.topic(topic_id)
    return topic is not None and topic.memo.startswith(MARK)


async def listed_in(mirror: Mirror, directory: TopicId) -> list[TopicId]:
    """Every topic that a directory lists, each once, in its order, over messages that are checked to follow each other.

    Raises IntegrityError (topics), and as `Mirror` does.
    """
    verifier = Verifier(directory, START)
    found: dict[TopicId, None] = {}
    while messages := await mirror.messages(directory, after=verifier.position.sequence):
        for message in messages:
            verifier.accept(message)
            if (topic_id := registered(message.message)) is not None:
                found[topic_id] = None
    return list(found)


def take_up(connection: Connection, directory: TopicId, topic_ids: Sequence[TopicId], *, now_ms: int) -> None:
    """This is the directory, and it lists these: they aren't listed again. A second time changes nothing."""
    registry.reserve(connection, DIRECTORY, now_ms=now_ms)
    registry.created(connection, DIRECTORY, directory)
    upsert(connection, listed, [{"topic_id": str(topic_id), "payer": None} for topic_id in topic_ids])


def _due(connection: Connection, limit: int) -> list[TopicId]:
    return [TopicId.parse(topic_id) for topic_id in connection.execute(_DUE.limit(limit)).scalars()]


def _keep(connection: Connection, transaction_id: TransactionId, receipt: Receipt) -> None:
    """What became of the id; without success, the topic is due again."""
    if receipt.status == "SUCCESS":
        id_records.settled(connection, {transaction_id: receipt})
        return
    id_records.spent(connection, transaction_id, receipt.status)
    id_ = listed.c.payer == str(transaction_id.payer), listed.c.valid_start_ns == transaction_id.valid_start_ns
    connection.execute(delete(listed).where(*id_))
