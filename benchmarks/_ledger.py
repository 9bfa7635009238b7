"""A ledger with a backlog: topics full of our own messages on a devnet, and the store of the daemon that sent them.

Everything is made by the product's own functions and put in place directly: no transaction is sent, so that the
measuring begins sooner. The store knows each flight, settled by its receipt, and has read nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from sqlalchemy import Connection, delete

from bridge import schema
from bridge.config import Config
from bridge.demo.day import sample_day
from bridge.keys.ring import campaign_owner
from bridge.protocol.values import Event
from bridge.protocol.wire.events import code_event, uuid7
from bridge.protocol.wire.sizes import element_size
from bridge.publish import flights, id_records, outbox
from bridge.publish.bodies import seal_body
from bridge.publish.flights import Flight, FlightState
from bridge.publish.loading import Loader
from bridge.publish.outbox import NewEntry
from bridge.schema import registry
from bridge.statements import sliced
from bridge.storage import Storage, now_ms, opened
from topics.devnet.network import Network
from topics.devnet.record import Record
from topics.devnet.state import NODES, OPERATOR, Topic, TopicEntity
from topics.fees import TINYBAR_PER_HBAR
from topics.ledger.hapi import response_code
from topics.ledger.port import Receipt
from topics.running_hash import next_running_hash
from topics.transaction_ids import TransactionIds
from topics.values import Position, TopicId, TopicMessage, TransactionId

WINDOW_S = 120
STEP_NS = 100_000  # 10,000 messages a second, about what the whole network takes


@dataclass(frozen=True, slots=True)
class Scale:
    """So many topics with so many messages of one event each, and a manifest."""

    topics: int
    each: int

    @property
    def messages(self) -> int:
        """All of them, manifests included."""
        return self.topics * (self.each + 1)


@dataclass(slots=True)
class Backlog:
    """Holds the devnet's network and the consensus time that it has come to."""

    network: Network
    at_ns: int

    def topic(self) -> TopicId:
        """A new topic."""
        entity = TopicEntity(
            id=TopicId(0, 0, self.network.state.next_num()),
            memo="hcs-bridge:1",
            admin_key=None,
            submit_key=None,
            auto_renew_s=7_776_000,
            auto_renew_account=None,
            created_ns=self._tick(),
        )
        self.network.state.topics[entity.id] = Topic(entity)
        created = TransactionId(OPERATOR, entity.created_ns)
        self._announce(Record(type="CONSENSUSCREATETOPIC", entity=entity.id, created=entity, **_ended(created)))
        return entity.id

    def take(self, topic_id: TopicId, message: bytes, transaction_id: TransactionId) -> Receipt:
        """What submitting the message would come to."""
        topic, now_ns = self.network.state.topics[topic_id], self._tick()
        sequence = topic.position.sequence + 1
        running_hash = next_running_hash(
            topic.position.running_hash,
            message,
            payer=OPERATOR,
            topic_id=topic_id,
            consensus_ns=now_ns,
            sequence=sequence,
        )
        topic.position = Position(sequence, now_ns, running_hash)
        taken = TopicMessage(topic_id, sequence, now_ns, message, running_hash, OPERATOR, None)
        ended = _ended(transaction_id) | {"consensus_ns": now_ns}
        self._announce(Record(type="CONSENSUSSUBMITMESSAGE", entity=topic_id, message=taken, **ended))
        return Receipt("SUCCESS", topic_id, sequence, running_hash)

    def _announce(self, record: Record) -> None:
        self.network.mirror.announce(record, record.consensus_ns)

    def _tick(self) -> int:
        self.at_ns += STEP_NS
        return self.at_ns


def _ended(transaction_id: TransactionId) -> dict[str, Any]:
    return {
        "id": transaction_id,
        "node": NODES[0],
        "status": response_code.SUCCESS,
        "consensus_ns": transaction_id.valid_start_ns,
        "memo": "",
        "max_fee": 2 * TINYBAR_PER_HBAR,
        "charged": 1_000_000,
        "valid_duration_s": WINDOW_S,
        "hash": bytes(48),
        "transfers": {},
    }


async def fill(config: Config, network: Network, scale: Scale) -> None:
    """Give the network topics with a manifest and frames of one event, and the store what it sent."""
    backlog = Backlog(network, network.settings.clock() - (scale.topics + scale.messages) * STEP_NS)
    async with opened(config, alone=True) as storage:
        engine, loader = storage.database.engine, _loader(storage)
        refs = [str(number) for number in range(1, scale.topics + 1)]
        says = cycle([change for change in sample_day(4, start=datetime.now(UTC)) if "to" not in change])
        with engine.begin() as connection:
            for ref in refs:
                storage.ring.ensure(connection, campaign_owner(ref), now_ms=now_ms())
                registry.intend(connection, ref, owner=None, now_ms=now_ms())
                registry.created(connection, ref, backlog.topic())
        for number in range(scale.each + 1):
            for some in sliced(refs):
                with engine.begin() as connection:
                    if number:
                        outbox.append(connection, [_entry(storage, ref, next(says)) for ref in some])
                    _fly(connection, loader, backlog, some)


async def forget_flights(config: Config) -> None:
    """Leave the store as one that was made anew: keys and registry, and nothing on record of what was ever sent."""
    async with opened(config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            for table in (schema.entries, schema.transactions, schema.flights):
                connection.execute(delete(table))


def _loader(storage: Storage) -> Loader:
    config = storage.config
    return Loader(
        network=config.network.name,
        publish=config.publish,
        sign_frames=config.topics.sign_frames,
        valid_duration_s=WINDOW_S,
        ring=storage.ring,
        at_rest=storage.at_rest,
        signing_key=storage.keys.signing,
        ids=TransactionIds(OPERATOR, last_ns=0, now_ns=lambda: now_ms() * 1_000_000),
        wrap_for_recovery=lambda _key, _owner: None,
        now_ms=now_ms,
    )


def _entry(storage: Storage, ref: str, change: dict[str, Any]) -> NewEntry:
    event = Event(uuid7(now_ms(), os.urandom(10)), change["event"], now_ms(), None, change["payload"])
    coded = code_event(event)
    body = seal_body(storage.at_rest, event.id, coded)
    return NewEntry(event.id, ref, f"campaign:{ref}", body, element_size(coded), "benchmark", now_ms())


def _fly(connection: Connection, loader: Loader, backlog: Backlog, refs: Sequence[str]) -> None:
    loaded = [load.flight for load in loader.load(connection, refs)]
    flown: list[Flight] = [flight for flight in loaded if flight is not None]
    receipts = {
        chunk.id: backlog.take(flight.topic_id, chunk.message, chunk.id) for flight in flown for chunk in flight.chunks
    }
    id_records.settled(connection, receipts)
    ids = [flight.id for flight in flown]
    flights.finish(connection, ids, FlightState.SUBMITTED)
    outbox.submitted(connection, ids)
