"""Flights of a campaign and their ids, put on disk for a test."""

from __future__ import annotations

from sqlalchemy import Connection

from bridge.publish import flights
from bridge.publish.flights import Chunk, Draft
from bridge.publish.id_records import TransactionState
from bridge.schema import registry
from topics.values import AccountId, TopicId, TransactionId

PAYER = AccountId(0, 0, 1001)
TOPIC = TopicId(0, 0, 7)


def id_(number: int) -> TransactionId:
    """The payer's id of that valid start."""
    return TransactionId(PAYER, number)


def chunk(start: int, number: int = 1, total: int = 1) -> Chunk:
    """A chunk that isn't settled, under the id of that valid start."""
    return Chunk(id_(start), number, total, f"part {number}".encode(), 120, TransactionState.INTENDED)


def record(connection: Connection, *chunks: Chunk, ref: str = "c1", sequence: int = 1) -> int:
    """An open flight of a campaign that has its topic; its number."""
    registry.created(connection, ref, TOPIC)
    [made] = flights.record(connection, [Draft(ref, TOPIC, sequence, chunks)], now_ms=1)
    return made.id
