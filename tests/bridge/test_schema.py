"""The schema: what the tables themselves forbid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert
from sqlalchemy.exc import IntegrityError

from bridge import config_sections as sections
from bridge import migrations, schema
from bridge.database import Database
from tests.servers import place_at

FLIGHT = {"ref": "c1", "topic_id": "0.0.7", "producer_sequence": 1, "state": "open", "opened_ms": 1}
TRANSACTION = {
    "payer": "0.0.2", "valid_start_ns": 1, "ref": "c1", "number": 1, "total": 1, "valid_duration_s": 120, "state": "x"
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = Database(sections.Database(**place_at(tmp_path / "b.db"))).engine
    migrations.upgrade(engine)
    put(engine, schema.topics, ref="c1", state="intended", registered_ms=1)
    yield engine
    engine.dispose()


def put(engine: Engine, table: Table, **row: Any) -> None:
    with engine.begin() as connection:
        connection.execute(insert(table).values(row))


def test_one_open_flight_a_campaign(engine: Engine) -> None:
    put(engine, schema.flights, **FLIGHT)
    with pytest.raises(IntegrityError, match=r"flights\.ref|uq_flights_one_open"):
        put(engine, schema.flights, **FLIGHT | {"producer_sequence": 2})
    put(engine, schema.flights, **FLIGHT | {"producer_sequence": 2, "state": "submitted"})


def test_a_producer_sequence_is_taken_again_only_after_a_refusal(engine: Engine) -> None:
    put(engine, schema.flights, **FLIGHT | {"state": "refused"})
    put(engine, schema.flights, **FLIGHT | {"state": "refused"})
    put(engine, schema.flights, **FLIGHT | {"state": "submitted"})
    with pytest.raises(IntegrityError, match="producer_sequence"):
        put(engine, schema.flights, **FLIGHT)


def test_a_transaction_id_is_taken_once(engine: Engine) -> None:
    put(engine, schema.transactions, **TRANSACTION)
    with pytest.raises(IntegrityError, match="valid_start_ns"):
        put(engine, schema.transactions, **TRANSACTION)
    put(engine, schema.transactions, **TRANSACTION | {"valid_start_ns": 2})


def test_a_flight_belongs_to_a_campaign_that_is_registered(engine: Engine) -> None:
    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        put(engine, schema.flights, **FLIGHT | {"ref": "unknown"})


def test_an_event_stands_once_in_a_channel(engine: Engine) -> None:
    row = {
        "channel": "user:7", "offset": 1, "topic_id": "0.0.7", "sequence": 3, "index": 0, "event_id": b"e",
        "consensus_ns": 1, "body": b"b",
    }  # fmt: skip
    put(engine, schema.publications, **row)
    with pytest.raises(IntegrityError, match="sequence"):
        put(engine, schema.publications, **row | {"offset": 2})
