"""Carries one campaign one flight further: topic, manifest, frame; each chunk from disk to its one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from bridge.counts import count, observe
from bridge.database import Database
from bridge.errors import BudgetSpent, ReceiptContradicted
from bridge.log import get_logger, tells_details
from bridge.protocol.wire.events import uuid7_ms
from bridge.publish import costs, flights, id_records, outbox, pins, rotating
from bridge.publish.flights import Chunk, Flight, FlightState
from bridge.publish.id_records import TransactionState
from bridge.publish.loading import Loader
from bridge.publish.outbox import Entry
from bridge.schema import registry
from topics.creator import TopicSource
from topics.errors import Rejected, StartInFuture
from topics.ledger.codes import counted_as
from topics.ledger.port import Receipt
from topics.settlement import NeverRan, Sources, Witness, settle
from topics.unsent import Unsent
from topics.values import NANOS, TransactionId

log = get_logger(__name__)

CONTENT_FAULTS = frozenset(
    {"INVALID_TOPIC_MESSAGE", "MESSAGE_SIZE_TOO_LARGE", "TRANSACTION_OVERSIZE", "INVALID_CHUNK_NUMBER"}
)
"""Refusals of what a flight says. Every other one is about keys, topic, fee or balance, and an operator's to mend."""


class _ContentRefused(Exception):
    def __init__(self, status: str) -> None:
        self.status = status


@dataclass(frozen=True, slots=True)
class _Landed:
    """A chunk that reached consensus, by its receipt."""

    flight: Flight
    chunk: Chunk
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Carrier:
    """Where flights come from and go to. What must outlive the process is on disk; `unsent` holds what must not."""

    database: Database
    loader: Loader
    sources: Sources
    witness: Witness
    creator: TopicSource
    max_fee_tinybar: int
    reject: Callable[[Sequence[Entry], str], Awaitable[None]]
    unsent: Unsent = field(default_factory=Unsent)

    async def advance(self, ref: str) -> bool:
        """Bring the campaign one flight further; whether there may be more to bring behind it.

        Raises Unavailable (try again), Rejected (an operator must look; what waits goes on waiting), BudgetSpent.
        """
        load = await self.database.write_together(self.loader.load, ref)
        if load.topic_missing:
            await self.creator.create(ref)
            load = await self.database.write_together(self.loader.load, ref)
        if load.stop is not None:
            raise BudgetSpent(str(load.stop), hint=load.stop.hint)
        flight = load.flight
        if flight is None:
            return False
        if load.fresh:
            self.unsent.drawn(chunk.id for chunk in flight.chunks)
        if tells_details(__name__):
            _tell_sealed(load.boarded, flight)
        for entry in load.boarded:
            observe("lag", (self.loader.now_ms() - uuid7_ms(entry.event_id)) / 1000, "outbox")
        try:
            await self._carry(flight)
            count("flights")
        except _ContentRefused as refused:
            status = refused.status
            parked = await self.database.write(lambda c: _refuse(c, flight, status))
            count("parked", by=len(parked))
            await self.reject(parked, status)
        return load.more

    async def _carry(self, flight: Flight) -> None:
        """The first chunk settles before the others leave, which name its id; the last leaves when all others have."""
        begin, *others = flight.chunks
        first = await self._carry_chunk(flight, begin, None)
        if others:
            await self._carry_together(flight, others[:-1], first)
            await self._carry_chunk(flight, others[-1], first)

    async def _carry_together(self, flight: Flight, chunks: Sequence[Chunk], first: TransactionId) -> None:
        """In any order, since readers take them in any. Each is brought as far as it goes, whatever stops another."""
        room = asyncio.Semaphore(self.loader.publish.max_chunks)

        async def carry(chunk: Chunk) -> None:
            async with room:
                await self._carry_chunk(flight, chunk, first)

        outcomes = await asyncio.gather(*map(carry, chunks), return_exceptions=True)
        for stopped in outcomes:
            if stopped is not None:
                raise stopped

    async def _carry_chunk(self, flight: Flight, chunk: Chunk, first: TransactionId | None) -> TransactionId:
        """The id under which the chunk reached consensus: its own, or a later one if that is proven spent."""
        droppable = first is None and flight.producer_sequence != flights.MANIFEST
        if self.unsent.give_up(chunk.id):
            chunk = await self._renew(flight, chunk, "INVALID_TRANSACTION_START")
        while chunk.state is TransactionState.INTENDED:
            try:
                receipt = await self._settle(flight, chunk, first)
            except NeverRan:
                chunk = await self._renew(flight, chunk, "NEVER_RAN")
                continue
            except Rejected as rejected:
                if rejected.status in CONTENT_FAULTS and droppable:
                    raise _ContentRefused(rejected.status) from rejected
                raise
            if receipt.status == "SUCCESS":
                await self.database.write_together(_land, _Landed(flight, chunk, receipt))
                if tells_details(__name__):
                    _tell_landed(flight, chunk, receipt)
                break
            if receipt.status in CONTENT_FAULTS and droppable:
                raise _ContentRefused(receipt.status)
            await self._renew(flight, chunk, receipt.status)
            raise Rejected(f"flight {flight.id}, chunk {chunk.number} of {chunk.total},", receipt.status)
        return chunk.id

    async def _settle(self, flight: Flight, chunk: Chunk, first: TransactionId | None) -> Receipt:
        submission = chunk.submission(flight.topic_id, first or chunk.id, max_fee_tinybar=self.max_fee_tinybar)
        untouched = self.unsent.sending(chunk.id)
        try:
            return await settle(
                chunk.id,
                lambda: self.sources.ledger.submit(submission),
                window_end_ns=chunk.id.valid_start_ns + chunk.valid_duration_s * NANOS,
                sources=self.sources,
                idle=partial(self._nothing_new, flight),
            )
        except StartInFuture:
            if untouched:  # the next turn takes another id, by the network's time, which the mirror tells
                self.unsent.too_early(chunk.id)
                await self.sources.mirror.latest_consensus_ns()
            raise

    async def _nothing_new(self, flight: Flight) -> bool:
        """Whether two nodes agree that the topic ends with the last message of ours that settled.

        A campaign has one flight under way at a time, so the transaction in question would stand behind that message,
        or between chunks of its own flight that settled beside it, and there is no room (`flights.last_sequence`).
        What others wrote there leaves it open; but the questions were paid, and the mirror will show the payments.
        """
        last = await self.database.read(lambda c: flights.last_sequence(c, flight))
        infos = await self.witness.topic_infos(flight.topic_id)
        return len(infos) > 1 and all(info.sequence == last for info in infos)

    async def _renew(self, flight: Flight, chunk: Chunk, status: str) -> Chunk:
        """Give the chunk another id, on disk before it is used; the message stays what it was, byte for byte."""
        count("renewed", counted_as(status))
        fresh = self.loader.chunk(chunk.number, chunk.total, chunk.message)

        def swap(connection: Connection) -> None:
            costs.carry_over(connection, chunk.id, fresh.id)
            id_records.spent(connection, chunk.id, status)
            flights.replace_chunk(connection, flight, fresh)

        await self.database.write(swap)
        self.unsent.drawn([fresh.id])
        return fresh


def _tell_sealed(boarded: Sequence[Entry], flight: Flight) -> None:
    for entry in boarded:
        log.debug("event sealed", id=str(UUID(bytes=entry.event_id)), flight=flight.id, topic=str(flight.topic_id))


def _tell_landed(flight: Flight, chunk: Chunk, receipt: Receipt) -> None:
    told = {"flight": flight.id, "chunk": f"{chunk.number} of {chunk.total}", "transaction": str(chunk.id)}
    log.debug("chunk on the ledger", **told, topic=str(flight.topic_id), sequence=receipt.sequence)


def _land(connection: Connection, landed: Sequence[_Landed]) -> list[ReceiptContradicted | None]:
    """These chunks reached consensus, and with its last one a flight."""
    read = pins.read_up_to(connection, {each.flight.topic_id for each in landed})
    contradicted = id_records.settled(
        connection,
        {each.chunk.id: each.receipt for each in landed},
        read_up_to={each.chunk.id: read.get(each.flight.topic_id, 0) for each in landed},
    )
    done = [
        each.flight for each in landed if each.chunk.number == each.chunk.total and each.chunk.id not in contradicted
    ]
    flights.finish(connection, [flight.id for flight in done], FlightState.SUBMITTED)
    outbox.submitted(connection, [flight.id for flight in done])
    for flight in done:
        if flight.producer_sequence == flights.MANIFEST:
            registry.ready(connection, flight.ref)
    return [contradicted.get(each.chunk.id) for each in landed]


def _refuse(connection: Connection, flight: Flight, status: str) -> list[Entry]:
    entries = outbox.in_flight(connection, flight.id)
    for chunk in flight.chunks:
        id_records.spent(connection, chunk.id, status)
    flights.finish(connection, [flight.id], FlightState.REFUSED)
    rotating.undo(connection, flight.ref, entries)
    outbox.park(connection, [entry.id for entry in entries], f"the network refused it with {status}")
    return entries
