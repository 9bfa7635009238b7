"""Loads a campaign's waiting events into a flight: sealed, split, and on disk with its transaction ids."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from sqlalchemy import Connection

from bridge.config_sections import Publish
from bridge.keys.at_rest import AtRest
from bridge.keys.ring import KeyRing, campaign_owner, user_owner
from bridge.protocol.values import TopicContext
from bridge.protocol.wire.cose import IV_BYTES, SigningKey
from bridge.protocol.wire.epochs import Epoch
from bridge.protocol.wire.events import Coded
from bridge.protocol.wire.frame import Sealing, seal_frame
from bridge.protocol.wire.manifest import Belongs, build_manifest
from bridge.publish import flights, outbox, own_messages, rotating
from bridge.publish.bodies import open_body
from bridge.publish.budgets import Stop
from bridge.publish.fitting import size_of_frame, that_fit
from bridge.publish.flights import Chunk, Draft, Flight, FlightState, Newest
from bridge.publish.heads import HEAD, heads
from bridge.publish.id_records import TransactionState
from bridge.publish.outbox import Entry
from bridge.publish.purse import Purse, Step, ahead_of, shares_of, sponsor_alone
from bridge.publish.rotating import Drawing, RotateAfter
from bridge.schema import registry
from topics.chunks import split
from topics.registry import Registration, TopicState
from topics.transaction_ids import TransactionIds
from topics.values import TopicId, TransactionId


@dataclass(frozen=True, slots=True)
class _Bound:
    """Where a flight goes, as what, whether its frame is signed, and under which epoch it is sealed."""

    ref: str
    topic_id: TopicId
    producer_sequence: int
    signed: bool
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class Load:
    """What a campaign's turn begins with: the flight to carry, or why there is none.

    `fresh` tells that its ids have never been used, `boarded` what it took along just now, `more` that others may wait
    behind it, `stop` which budget is in the way.
    """

    flight: Flight | None = None
    boarded: Sequence[Entry] = ()
    fresh: bool = True
    more: bool = False
    topic_missing: bool = False
    stop: Stop | None = None


NOTHING = Load()
BY_ITSELF = "(age)"
"""Who asked for a rotation that nobody asked for."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A flight to put on disk, the entries that board it, and whether others may wait behind them."""

    draft: Draft
    boarding: Sequence[Entry] = ()
    more: bool = True


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
    wrap_for_recovery: Callable[[bytes, TopicId], bytes | None]
    now_ms: Callable[[], int]
    purse: Purse = Purse()  # noqa: RUF009 # frozen, and holds nothing
    rotate_after: RotateAfter = RotateAfter()  # noqa: RUF009 # the same

    def load(self, connection: Connection, refs: Sequence[str]) -> list[Load]:
        """For each campaign the flight that a crash left open; else the manifest; else its oldest waiting events.

        All of them are on disk. What a budget leaves no room for goes on waiting, and all that was accepted behind it.
        """
        registered, newest = registry.find_all(connection, refs), flights.newest(connection, refs)
        epochs = self.ring.all_current(connection, [campaign_owner(ref) for ref in refs])
        waiting = heads(connection, refs)
        begun = [
            self._begin(connection, registered[ref], newest.get(ref), epochs.get(campaign_owner(ref)), waiting[ref])
            if ref in registered
            else NOTHING
            for ref in refs
        ]
        ready = [found for found in begun if isinstance(found, _Ready)]
        made = flights.record(connection, [found.draft for found in ready], now_ms=self.now_ms())
        outbox.board(connection, {flight.id: found.boarding for flight, found in zip(made, ready, strict=True)})
        fresh = iter(made)
        return [
            Load(next(fresh), found.boarding, more=found.more) if isinstance(found, _Ready) else found
            for found in begun
        ]

    def _begin(
        self,
        connection: Connection,
        registration: Registration,
        newest: Newest | None,
        epoch: Epoch | None,
        head: Sequence[Entry],
    ) -> Load | _Ready:
        ref, topic_id, closed = registration.ref, registration.topic_id, registration.state is TopicState.CLOSED
        if topic_id is None:
            return NOTHING if closed else Load(topic_missing=True)
        if newest is not None and newest.state is FlightState.OPEN:
            return Load(flights.left_open(connection, ref, topic_id, newest), fresh=False, more=True)
        if closed:  # asked behind the open flight: the mirror may show the final message before its receipt comes
            return NOTHING
        epoch = epoch or self.ring.ensure(connection, campaign_owner(ref), now_ms=self.now_ms())
        if newest is None:
            bound = _Bound(ref, topic_id, flights.MANIFEST, self.sign_frames, epoch)
            return self._manifest(connection, registration, bound)
        bound = _Bound(ref, topic_id, newest.producer_sequence + 1, bool(registration.signed), epoch)
        if head and registration.takes_events and self._is_over(connection, bound):
            rotating.rotate(connection, ref, self.at_rest, api_key=BY_ITSELF, now_ms=self.now_ms())
            head = outbox.waiting(connection, ref, limit=HEAD)
        return self._frame(connection, bound, head)

    def _is_over(self, connection: Connection, bound: _Bound) -> bool:
        """Whether the campaign's epoch has been in force for long enough."""
        sequence, now_ms = bound.producer_sequence, self.now_ms()
        return bool(self.rotate_after) and self.rotate_after.is_due(
            connection, bound.ref, producer_sequence=sequence, now_ms=now_ms
        )

    def _manifest(self, connection: Connection, registration: Registration, bound: _Bound) -> Load | _Ready:
        message = build_manifest(
            Belongs(registration.ref, registration.owner),
            context=TopicContext(self.network, bound.topic_id, bound.signed),
            epoch=bound.epoch,
            iv=os.urandom(IV_BYTES),
            wrapped=self.wrap_for_recovery(bound.epoch.key, bound.topic_id),
            signing_key=self.signing_key,
        )
        shares = sponsor_alone(connection, bound.ref) if self.purse else {}
        if (stop := self._stop(connection, bound, len(message), shares)) is not None:
            return Load(stop=stop)
        registry.manifested(connection, bound.ref, signed=bound.signed)
        return self._ready(connection, bound, message, shares)

    def _frame(self, connection: Connection, bound: _Bound, head: Sequence[Entry]) -> Load | _Ready:
        limit = self.publish.max_events_per_frame
        found = head[:limit]
        if len(found) == HEAD:  # and there may be more
            found = outbox.waiting(connection, bound.ref, limit=limit, max_bytes=self.publish.max_frame_bytes)
        waiting = found
        while waiting:
            boarding = that_fit(waiting, self.publish, bound.producer_sequence, signed=bound.signed)
            shares = shares_of(connection, boarding) if self.purse else {}
            length = size_of_frame(boarding, self.publish, bound.producer_sequence, signed=bound.signed)
            stop = self._stop(connection, bound, length, shares)
            if stop is None:
                ready = self._ready(connection, bound, self._sealed(connection, boarding, bound), shares)
                return replace(ready, boarding=boarding, more=len(boarding) < len(found) or len(found) == limit)
            waiting = ahead_of(connection, boarding, stop)
            if not waiting:
                return Load(stop=stop)
        return NOTHING

    def _sealed(self, connection: Connection, boarding: Sequence[Entry], bound: _Bound) -> bytes:
        return seal_frame(
            [self._coded(connection, entry, bound) for entry in boarding],
            context=TopicContext(self.network, bound.topic_id, bound.signed),
            producer_sequence=bound.producer_sequence,
            sealing=Sealing(
                epoch=bound.epoch,
                new_iv=partial(os.urandom, IV_BYTES),
                user_epoch=cache(partial(self._user_epoch, connection)),
                signing_key=self.signing_key,
                pad_to=self.publish.pad_to,
            ),
        )

    def chunk(self, number: int, total: int, message: bytes) -> Chunk:
        """A chunk under an id that was never used."""
        return Chunk(self.ids.next(), number, total, message, self.valid_duration_s, TransactionState.INTENDED)

    def _stop(
        self, connection: Connection, bound: _Bound, message_bytes: int, shares: Mapping[str, int]
    ) -> Stop | None:
        """Asked before anything is sealed; a frame's length is known by then."""
        if not self.purse:
            return None
        return self.purse.stop(connection, self._step(bound, self._imagined(message_bytes), shares))

    def _step(self, bound: _Bound, chunks: Sequence[Chunk], shares: Mapping[str, int]) -> Step:
        return Step(bound.ref, self.purse.flight_fees(bound.topic_id, chunks), shares)

    def _chunks(self, message: bytes) -> list[Chunk]:
        parts = split(message)
        return [self.chunk(number, len(parts), part) for number, part in enumerate(parts, 1)]

    def _imagined(self, message_bytes: int) -> list[Chunk]:
        """Chunks as long as those of such a message, under ids that nobody has drawn."""
        parts, now_ns = split(bytes(message_bytes)), self.ids.network.now_ns()
        return [
            Chunk(
                TransactionId(self.ids.payer, now_ns + number),
                number,
                len(parts),
                part,
                self.valid_duration_s,
                TransactionState.INTENDED,
            )
            for number, part in enumerate(parts, 1)
        ]

    def _user_epoch(self, connection: Connection, user_id: str) -> Epoch:
        return self.ring.ensure(connection, user_owner(user_id), now_ms=self.now_ms())

    def _coded(self, connection: Connection, entry: Entry, bound: _Bound) -> Coded:
        if own_messages.is_of_kind(entry, rotating.KIND):
            wrap = self.wrap_for_recovery
            drawing = Drawing(self.ring, self.at_rest, lambda key: wrap(key, bound.topic_id), self.now_ms())
            return drawing.draw(connection, entry, bound.ref, producer_sequence=bound.producer_sequence)
        kind, _, name = entry.channel.partition(":")
        return Coded(open_body(self.at_rest, entry.event_id, entry.body), name if kind == "user" else None)

    def _ready(self, connection: Connection, bound: _Bound, message: bytes, shares: Mapping[str, int]) -> _Ready:
        chunks = self._chunks(message)
        if self.purse:
            self.purse.reserve(connection, self._step(bound, chunks, shares))
        return _Ready(Draft(bound.ref, bound.topic_id, bound.producer_sequence, tuple(chunks)))
