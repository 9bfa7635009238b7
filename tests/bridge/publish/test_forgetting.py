"""Idempotency keys and settled events are kept as long as promised, and no longer; nothing that is under way goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert

from bridge.config_sections import Database as Section
from bridge.database import Database
from bridge.migrations import upgrade
from bridge.publish import idempotency
from bridge.publish.forgetting import BATCH, forget, forget_settled
from bridge.publish.idempotency import Answer
from bridge.schema import entries, flights, positions, topics, transactions
from bridge.supervise import Loop, supervised
from tests.footing import database_at
from tests.servers import place_at

HOUR_MS = 3_600_000
OLD, YOUNG = ("backend", "old"), ("backend", "young")


async def test_old_keys_go_and_young_ones_stay(tmp_path: Path) -> None:
    database = Database(Section(**place_at(tmp_path / "x.db")))
    upgrade(database.engine)
    now_ms = 100 * HOUR_MS
    with database.engine.begin() as connection:
        old, young = (Answer(bytes(32), (bytes(16),), now_ms - hours * HOUR_MS) for hours in (25, 23))
        idempotency.keep(connection, [(OLD, old), (YOUNG, young)])
    loops: dict[str, Loop] = {
        "database": database.run,
        "forgetting": partial(forget, database, keys_h=24, settled_days=90, settled_events=9, now_ms=lambda: now_ms),
    }
    async with supervised(loops), asyncio.timeout(10):
        while OLD in await database.read(lambda c: idempotency.earlier(c, [OLD])):
            pass
        assert await database.read(lambda c: idempotency.earlier(c, [OLD, YOUNG])) == {YOUNG: young}
    await database.close()


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Database]:
    """Twice a batch of events of an hour each, all confirmed, two in each flight; the relay has read half the flights.

    Of the eight first some are in another state, and the second flight is open.
    """
    async with database_at(tmp_path / "x.db") as database:
        with database.engine.begin() as connection:
            topic = {"ref": "1", "topic_id": "t", "state": "", "registered_ms": 0}
            connection.execute(insert(topics), topic)
            position = {"topic_id": "t", "sequence": 0, "consensus_ns": 0, "running_hash": b"", "opened_sequence": 0}
            connection.execute(insert(positions), position | {"producer_sequence": BATCH // 2, "skipped": 0})
            flight = {"ref": "1", "topic_id": "t", "opened_ms": 0}
            chunk = {"payer": "p", "ref": "1", "number": 1, "total": 1, "message": b"1", "valid_duration_s": 120}
            for number in range(1, BATCH + 1):
                state = "open" if number == 2 else "submitted"
                mine = {"id": number, "producer_sequence": number, "state": state}
                connection.execute(insert(flights), flight | mine)
                sent = {"valid_start_ns": number, "flight_id": number, "state": "settled", "sequence": number}
                connection.execute(insert(transactions), chunk | sent)
            states = dict(zip(range(5, 9), ("parked", "waiting", "dropped", "submitted"), strict=True))
            entry = {"ref": "1", "channel": "c", "kind": "event", "body": b"2", "size": 1, "api_key": "backend"}
            for number in range(2 * BATCH):
                state = states.get(number + 1, "confirmed")
                mine = {"id": number + 1, "event_id": number.to_bytes(16), "accepted_ms": number * HOUR_MS}
                connection.execute(insert(entries), entry | mine | {"state": state, "flight_id": number // 2 + 1})
        yield database


async def counted(database: Database, statement: str) -> list[int]:
    return await database.read(lambda c: list(c.exec_driver_sql(statement).scalars()))


async def forgotten(database: Database, *, before_h: int, keys_h: int, newest: int) -> None:
    async with asyncio.timeout(10):
        await forget_settled(database, before_ms=before_h * HOUR_MS, keys_ms=keys_h * HOUR_MS, newest=newest)


async def test_the_old_that_are_settled_go(outbox: Database) -> None:
    before = BATCH + 100
    await forgotten(outbox, before_h=before, keys_h=2 * BATCH, newest=2 * BATCH)
    left = await counted(outbox, "SELECT id FROM entries ORDER BY id")
    assert left == [3, 4, 5, 6, 8, *range(before + 1, 2 * BATCH + 1)]  # 3 and 4 are in the flight that is open


async def test_more_than_are_to_be_kept_go_once_no_request_names_them(outbox: Database) -> None:
    await forgotten(outbox, before_h=0, keys_h=50, newest=100)
    assert len(await counted(outbox, "SELECT id FROM entries WHERE id > 50")) == 2 * BATCH - 50
    await forgotten(outbox, before_h=0, keys_h=2 * BATCH, newest=100)
    assert await counted(outbox, "SELECT id FROM entries WHERE id > 8") == [*range(2 * BATCH - 99, 2 * BATCH + 1)]


async def test_what_was_sent_goes_and_its_receipt_stays(outbox: Database) -> None:
    await forgotten(outbox, before_h=2 * BATCH, keys_h=2 * BATCH, newest=2 * BATCH)
    kept = await counted(outbox, "SELECT flight_id FROM transactions WHERE message IS NOT NULL ORDER BY flight_id")
    assert kept == [
        2,
        3,
        *range(BATCH // 2 + 1, BATCH + 1),
    ]  # open, unsettled, and those that the relay has still to read
    assert len(await counted(outbox, "SELECT sequence FROM transactions")) == BATCH
