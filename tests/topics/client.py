"""The devnet's operator as a client of it: a ledger, a mirror, and ids that never repeat."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from topics.devnet.devnet import Devnet
from topics.ledger.grpc_ledger import GrpcLedger, Operator
from topics.ledger.nodes import Node
from topics.ledger.operator_key import OperatorKey
from topics.ledger.port import Receipt, Submission, TopicCreate
from topics.ledger.settings import LedgerSettings
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.transaction_ids import TransactionIds
from topics.values import AccountId, ChunkInfo, TopicId, TransactionId

QUICK = LedgerSettings(
    request_timeout_s=5.0,
    max_attempts=5,
    backoff_initial_s=0.01,
    backoff_max_s=0.05,
    receipt_poll_s=0.01,
    receipt_grace_s=0.2,
    receipt_timeout_s=2.0,
)
QUICK_MIRROR = MirrorSettings(
    request_timeout_s=2.0, max_attempts=3, backoff_initial_s=0.01, backoff_max_s=1.5, max_requests_per_s=1000
)

_HBAR = 100_000_000
_count = itertools.count()


@dataclass(frozen=True, slots=True)
class Client:
    """What a test needs to write to a devnet and to read from it."""

    ledger: GrpcLedger
    mirror: Mirror
    new_id: Callable[[], TransactionId]

    def submission(self, topic_id: TopicId, message: bytes, chunk: ChunkInfo | None = None) -> Submission:
        """A message under a new id."""
        return Submission(self.new_id(), topic_id, message, chunk, 120, _HBAR)

    def creation(self, memo: str = "hcs-bridge:1") -> TopicCreate:
        """A topic under a new id."""
        return TopicCreate(self.new_id(), memo, max_fee_tinybar=20 * _HBAR, auto_renew_s=7_776_000)

    async def topic(self) -> TopicId:
        """A new topic on the ledger."""
        creation = self.creation()
        await self.ledger.create_topic(creation)
        receipt = await self.ledger.receipt(creation.id)
        assert receipt.status == "SUCCESS"
        assert receipt.topic_id is not None
        return receipt.topic_id

    async def write(self, topic_id: TopicId, message: bytes, chunk: ChunkInfo | None = None) -> Receipt:
        """One message, waited for."""
        submission = self.submission(topic_id, message, chunk)
        await self.ledger.submit(submission)
        return await self.ledger.receipt(submission.id)


def ids(payer: AccountId) -> Callable[[], TransactionId]:
    """A source of ids some seconds old, so that no clock is ahead of them."""
    start_ns = time.time_ns() - 10_000_000_000
    return lambda: TransactionId(payer, start_ns + next(_count))


@asynccontextmanager
async def client_of(
    devnet: Devnet,
    *,
    settings: LedgerSettings = QUICK,
    mirror_settings: MirrorSettings = QUICK_MIRROR,
    account: tuple[AccountId, str] | None = None,
) -> AsyncIterator[Client]:
    """A client of `devnet`, for its operator or another account (id, private key)."""
    payer, key = account or (devnet.operator_id, devnet.operator_key)
    new_id = ids(payer)
    payments = TransactionIds(payer, last_ns=0, now_ns=devnet.settings.clock)
    operator = Operator(payer, OperatorKey.parse(key), payments.next)
    nodes = [Node(node, address) for node, address in devnet.nodes.items()]
    ledger = GrpcLedger(nodes, operator=operator, settings=settings)
    mirror = Mirror(devnet.mirror_url, mirror_settings)
    try:
        yield Client(ledger, mirror, new_id)
    finally:
        await ledger.close()
        await mirror.close()
