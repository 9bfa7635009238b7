"""The raw messages of campaigns' topics, as far as the relay verified them, for clients that check for themselves."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, text

from bridge.errors import Unavailable
from bridge.gateway.proof import Proof
from bridge.publish.id_records import TransactionState
from bridge.relay import progress
from bridge.schema import flights, registry, transactions
from bridge.storage import Storage
from topics import errors as hcs
from topics.mirror.kept import KeptMessages
from topics.mirror.rest import Mirror
from topics.values import TopicId

# From the end: the newest receipt binds every message before it. Each frame before has taken one message at least.
_ANCHOR = (
    select(transactions.c.sequence, transactions.c.running_hash)
    .join_from(flights, transactions, flights.c.id == transactions.c.flight_id)
    .where(
        flights.c.topic_id == bindparam("topic"),
        flights.c.producer_sequence < bindparam("last"),
        text("flights.state != 'refused'"),  # in the words of the index, which serves no others
        transactions.c.state == TransactionState.SETTLED,
        transactions.c.running_hash.is_not(None),
        transactions.c.sequence.between(bindparam("first"), bindparam("last")),
    )
    .order_by(flights.c.producer_sequence.desc(), transactions.c.number.desc())
    .limit(1)
)


class Proofs:
    """Reads them (port: bridge.gateway.proof.Proofs)."""

    def __init__(self, storage: Storage, mirror: Mirror) -> None:
        keys = storage.config.gateway
        self._database = storage.database
        self._network = storage.config.network.name
        self._messages = KeptMessages(
            mirror, max_messages=keys.proof_cache_messages, max_requests=keys.proof_max_requests
        )

    async def read(self, campaign_id: str, first: int, last: int) -> Proof | None:
        """The messages from `first` to `last`, and the newest receipt among them. Raises Unavailable."""
        found = await self._database.read(lambda c: _verified(c, campaign_id))
        if found is None:
            return None
        topic_id, last = found[0], min(last, found[1])
        if first > last:
            return Proof(self._network, topic_id, (), {})
        try:
            messages = await self._messages.read(topic_id, first, last)
        except hcs.TopicsError as error:  # which mirror, and how it fails, is not for clients
            retry_after_s = error.retry_after_s if isinstance(error, hcs.Unavailable) else None
            raise Unavailable("the mirror", "it does not answer just now", retry_after_s=retry_after_s) from error
        return Proof(
            self._network, topic_id, messages, await self._database.read(lambda c: _anchor(c, topic_id, first, last))
        )


def _verified(connection: Connection, campaign_id: str) -> tuple[TopicId, int] | None:
    """The campaign's topic, and up to which sequence number it was read and checked."""
    found = registry.find(connection, campaign_id)
    if found is None or found.topic_id is None:
        return None
    return found.topic_id, progress.of(connection, found.topic_id).opened_sequence


def _anchor(connection: Connection, topic_id: TopicId, first: int, last: int) -> dict[int, bytes]:
    rows = connection.execute(_ANCHOR, {"topic": str(topic_id), "first": first, "last": last})
    return {row.sequence: row.running_hash for row in rows}
