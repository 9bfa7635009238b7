"""Ids on disk: unique, found again after a restart, closed by what their receipts say."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from bridge.publish import id_records
from bridge.schema import transactions
from tests.bridge.publish.on_record import PAYER, TOPIC, chunk, id_, record
from topics.creator import Intent
from topics.ledger.port import Receipt
from topics.values import AccountId


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
