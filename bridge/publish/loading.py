"""Loads a campaign's waiting events into a flight: sealed, split, and on disk with its transaction ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
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
from bridge.publish.budgets import Stop
from bridge.publish.flights import Chunk, TransactionState
from bridge.publish.outbox import Entry
from bridge.publish.purse import Purse, Step, ahead_of, shares_of, sponsor_alone
from bridge.schema import registry
from topics.chunks import split
from topics.registry import Registration
from topics.transaction_ids import TransactionIds
from topics.values import TopicId


@dataclass(frozen=True, slots=True)
class _Bound:
    """Where a flight goes, as what, and whether its frame is signed."""

    ref: str
    topic_id: TopicId
    producer_sequence: int
    signed: bool


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
    purse: Purse = Purse()  # noqa: RUF009 # frozen, and holds nothing

    def manifest(self, connection: Connection, registration: Registration, topic_id: TopicId) -> Stop | None:
        """Put the topic's first message on disk, ready to go; or say which budget is in the way."""
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
        bound = _Bound(registration.ref, topic_id, flights.MANIFEST, self.sign_frames)
        shares = sponsor_alone(connection, bound.ref) if self.purse else {}
        stop = self._stop(connection, bound, len(message), shares)
        if stop is None:
            registry.manifested(connection, bound.ref, signed=bound.signed)
            self._record(connection, bound, message, shares)
        return stop

    def frame(self, connection: Connection, registration: Registration, topic_id: TopicId) -> Stop | None:
        """Put the campaign's oldest waiting events into a flight; none waiting, nothing happens.

        What a budget leaves no room for goes on waiting, and all that was accepted behind it: then the stop comes back.
        """
        ref = registration.ref
        waiting: Sequence[Entry] = outbox.waiting(connection, ref, limit=self.publish.max_events_per_frame)
        if not waiting:
            return None
        producer_sequence = flights.next_producer_sequence(connection, topic_id)
        bound = _Bound(ref, topic_id, producer_sequence, bool(registration.signed))
        while True:
            boarding = self._that_fit(waiting, bound)
            shares = shares_of(connection, boarding) if self.purse else {}
            stop = self._stop(connection, bound, self._frame_size(boarding, bound), shares)
            if stop is None:
                flight_id = self._record(connection, bound, self._sealed(connection, boarding, bound), shares)
                outbox.board(connection, flight_id, [entry.id for entry in boarding])
                return None
            waiting = ahead_of(connection, boarding, stop)
            if not waiting:
                return stop

    def _sealed(self, connection: Connection, boarding: Sequence[Entry], bound: _Bound) -> bytes:
        return seal_frame(
            [self._event(entry) for entry in boarding],
            context=TopicContext(self.network, bound.topic_id, bound.signed),
            producer_sequence=bound.producer_sequence,
            sealing=Sealing(
                epoch=self.ring.ensure(connection, campaign_owner(bound.ref), now_ms=self.now_ms()),
                new_iv=partial(os.urandom, IV_BYTES),
                user_epoch=cache(partial(self._user_epoch, connection)),
                signing_key=self.signing_key,
                pad_to=self.publish.pad_to,
            ),
        )

    def chunk(self, number: int, total: int, message: bytes) -> Chunk:
        """A chunk under an id that was never used."""
        return Chunk(self.ids.next(), number, total, message, self.valid_duration_s, TransactionState.INTENDED)

    def _that_fit(self, waiting: Sequence[Entry], bound: _Bound) -> Sequence[Entry]:
        """The longest beginning of `waiting` whose frame stays within the bound; the first one always goes."""
        size = 0
        for count, entry in enumerate(waiting, 1):
            size += entry.size
            frame = frame_size(
                size,
                count=count,
                producer_sequence=bound.producer_sequence,
                signed=bound.signed,
                pad_to=self.publish.pad_to,
            )
            if count > 1 and frame > self.publish.max_frame_bytes:
                return waiting[: count - 1]
        return waiting

    def _frame_size(self, boarding: Sequence[Entry], bound: _Bound) -> int:
        return frame_size(
            sum(entry.size for entry in boarding),
            count=len(boarding),
            producer_sequence=bound.producer_sequence,
            signed=bound.signed,
            pad_to=self.publish.pad_to,
        )

    def _stop(
        self, connection: Connection, bound: _Bound, message_bytes: int, shares: Mapping[str, int]
    ) -> Stop | None:
        """Asked before anything is sealed; a frame's length is known by then."""
        if not self.purse:
            return None
        return self.purse.stop(connection, self._step(bound, self._chunks(bytes(message_bytes)), shares))

    def _step(self, bound: _Bound, chunks: Sequence[Chunk], shares: Mapping[str, int]) -> Step:
        return Step(bound.ref, self.purse.flight_fees(bound.topic_id, chunks), shares)

    def _chunks(self, message: bytes) -> list[Chunk]:
        parts = split(message)
        return [self.chunk(number, len(parts), part) for number, part in enumerate(parts, 1)]

    def _user_epoch(self, connection: Connection, user_id: str) -> Epoch:
        return self.ring.ensure(connection, user_owner(user_id), now_ms=self.now_ms())

    def _event(self, entry: Entry) -> Event:
        return open_event(self.at_rest, entry.event_id, entry.body)

    def _record(self, connection: Connection, bound: _Bound, message: bytes, shares: Mapping[str, int]) -> int:
        flight_id = flights.record(
            connection,
            bound.ref,
            bound.topic_id,
            producer_sequence=bound.producer_sequence,
            now_ms=self.now_ms(),
        )
        chunks = self._chunks(message)
        flights.record_chunks(connection, flight_id, bound.ref, chunks)
        if self.purse:
            self.purse.reserve(connection, self._step(bound, chunks, shares))
        return flight_id
