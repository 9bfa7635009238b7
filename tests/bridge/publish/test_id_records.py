"""Ids on disk: unique, found again after a restart, closed by what their receipts say."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from bridge.publish import flights, id_records
from bridge.publish.flights import Chunk, Draft
from bridge.publish.id_records import TransactionState
from bridge.schema import registry, transactions
from topics.creator import Intent
from topics.ledger.port import Receipt
from topics.values import AccountId, TopicId, TransactionId

PAYER = AccountId(0, 0, 1001)
TOPIC = TopicId(0, 0, 7)


def id_(number: int) -> TransactionId:
    return TransactionId(PAYER, number)


def chunk(start: int, number: int = 1, total: int = 1) -> Chunk:
    return Chunk(id_(start), number, total, f"part {number}".encode(), 120, TransactionState.INTENDED)


def record(connection: Connection, *chunks: Chunk, ref: str = "c1", sequence: int = 1) -> int:
    registry.created(connection, ref, TOPIC)
    [made] = flights.record(connection, [Draft(ref, TOPIC, sequence, chunks)], now_ms=1)
    return made.id


def test_an_id_is_never_on_record_twice(connection: Connection) -> None:
    record(connection, chunk(1))
    with pytest.raises(IntegrityError):
        id_records.record_creation(connection, "c2", Intent(id_(1), 120))


def test_the_receipt_pins_what_the_mirror_must_show(connection: Connection) -> None:
    record(connection, chunk(1))
    id_records.settled(connection, {id_(1): Receipt("SUCCESS", None, 5, b"h" * 48)})
    row = connection.execute(select(transactions)).one()
    assert (row.state, row.status, row.sequence, row.running_hash) == ("settled", "SUCCESS", 5, b"h" * 48)


def test_a_creation_is_pending_until_it_is_settled_or_spent(connection: Connection) -> None:
    assert id_records.pending_creation(connection, "c1") is None
    id_records.record_creation(connection, "c1", Intent(id_(1), 120))
    assert id_records.pending_creation(connection, "c1") == Intent(id_(1), 120)
    assert id_records.pending_creation(connection, "c2") is None
    id_records.spent(connection, id_(1), "BUSY")
    assert id_records.pending_creation(connection, "c1") is None
    id_records.record_creation(connection, "c1", Intent(id_(2), 120))
    id_records.settled(connection, {id_(2): Receipt("SUCCESS", TOPIC)})
    assert id_records.pending_creation(connection, "c1") is None


def test_new_ids_begin_behind_every_recorded_one(connection: Connection) -> None:
    assert id_records.last_valid_start_ns(connection, PAYER) == 0
    record(connection, chunk(5))
    id_records.record_creation(connection, "c1", Intent(id_(9), 120))
    assert id_records.last_valid_start_ns(connection, PAYER) == 9
    assert id_records.last_valid_start_ns(connection, AccountId(0, 0, 2)) == 0
