"""Loads a campaign's waiting events into a flight: sealed, split, and on disk with its transaction ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from sqlalchemy import Connection

from bridge.config_sections import Publish
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import KeyRing, campaign_owner, user_owner
from bridge.protocol.values import Event, TopicContext
from bridge.protocol.wire.cose import IV_BYTES, SigningKey
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.frame import Sealing, seal_frame
from bridge.protocol.wire.manifest import Belongs, build_manifest
from bridge.protocol.wire.sizes import frame_size
from bridge.publish import flights, outbox
from bridge.publish.bodies import open_event
from bridge.publish.flights import Chunk, TransactionState
from bridge.publish.outbox import Entry
from bridge.schema import registry
from topics.chunks import split
from topics.registry import Registration
from topics.transaction_ids import TransactionIds
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class Loader:
    """What a flight is made with. Each call does its reading and writing in the caller's one transaction."""

    network: str
    publish: Publish
    sign_frames: bool
    valid_duration_s: int
    ring: KeyRing
    at_rest: AtRest
    signing_key: SigningKey
    ids: TransactionIds
    wrap_for_recovery: Callable[[bytes, str], bytes | None]
    now_ms: Callable[[], int]

    def manifest(self, connection: Connection, registration: Registration, topic_id: TopicId) -> None:
        """Put the topic's first message on disk, ready to go."""
        owner = campaign_owner(registration.ref)
        epoch = self.ring.ensure(connection, owner, now_ms=self.now_ms())
        message = build_manifest(
            Belongs(registration.ref, registration.owner),
            context=TopicContext(self.network, topic_id, self.sign_frames),
            epoch=epoch,
            iv=os.urandom(IV_BYTES),
            wrapped=self.wrap_for_recovery(epoch.key, owner),
            signing_key=self.signing_key,
        )
        registry.manifested(connection, registration.ref, signed=self.sign_frames)
        self._record(connection, registration.ref, topic_id, message, producer_sequence=flights.MANIFEST)

    def frame(self, connection: Connection, registration: Registration, topic_id: TopicId) -> None:
        """Put the campaign's oldest waiting events into a flight; none waiting, nothing happens."""
        ref = registration.ref
        waiting = outbox.waiting(connection, ref, limit=self.publish.max_events_per_frame)
        if not waiting:
            return
        producer_sequence = flights.next_producer_sequence(connection, topic_id)
        boarding = self._that_fit(waiting, producer_sequence, signed=bool(registration.signed))
        frame = seal_frame(
            [self._event(entry) for entry in boarding],
            context=TopicContext(self.network, topic_id, bool(registration.signed)),
            producer_sequence=producer_sequence,
            sealing=Sealing(
                epoch=self.ring.ensure(connection, campaign_owner(ref), now_ms=self.now_ms()),
                new_iv=partial(os.urandom, IV_BYTES),
                user_epoch=cache(partial(self._user_epoch, connection)),
                signing_key=self.signing_key,
                pad_to=self.publish.pad_to,
            ),
        )
        flight_id = self._record(connection, ref, topic_id, frame, producer_sequence=producer_sequence)
        outbox.board(connection, flight_id, [entry.id for entry in boarding])

    def chunk(self, number: int, total: int, message: bytes) -> Chunk:
        """A chunk under an id that was never used."""
        return Chunk(self.ids.next(), number, total, message, self.valid_duration_s, TransactionState.INTENDED)

    def _that_fit(self, waiting: Sequence[Entry], producer_sequence: int, *, signed: bool) -> Sequence[Entry]:
        """The longest beginning of `waiting` whose frame stays within the bound; the first one always goes."""
        size = 0
        for count, entry in enumerate(waiting, 1):
            size += entry.size
            frame = frame_size(
                size, count=count, producer_sequence=producer_sequence, signed=signed, pad_to=self.publish.pad_to
            )
            if count > 1 and frame > self.publish.max_frame_bytes:
                return waiting[: count - 1]
        return waiting

    def _user_epoch(self, connection: Connection, user_id: str) -> Epoch:
        return self.ring.ensure(connection, user_owner(user_id), now_ms=self.now_ms())

    def _event(self, entry: Entry) -> Event:
        return open_event(self.at_rest, entry.event_id, entry.body)

    def _record(
        self, connection: Connection, ref: str, topic_id: TopicId, message: bytes, *, producer_sequence: int
    ) -> int:
        flight_id = flights.record(connection, ref, topic_id, producer_sequence=producer_sequence, now_ms=self.now_ms())
        parts = split(message)
        chunks = [self.chunk(number, len(parts), part) for number, part in enumerate(parts, 1)]
        flights.record_chunks(connection, flight_id, ref, chunks)
        return flight_id
