"""Messages of our payer that aren't on record here are somebody else's."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlalchemy import Connection, delete, insert, update

from bridge.doctor.findings import Status
from bridge.doctor.payer import payer
from bridge.schema import positions, registry, transactions
from bridge.storage import opened
from tests.bridge.doctor.ward import ground_of
from tests.integration.world import World, until
from tests.topics.client import client_of
from topics.devnet.faults import Fault
from topics.values import TransactionId

CLOSED = {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": {"campaignId": "1"}}


def record(connection: Connection, id_: TransactionId) -> None:
    registry.intend(connection, "1", owner=None, now_ms=1)
    row = {"payer": str(id_.payer), "valid_start_ns": id_.valid_start_ns, "ref": "1", "number": 1, "total": 1}
    connection.execute(insert(transactions).values(row | {"valid_duration_s": 120, "state": "settled"}))


async def test_what_is_on_record_is_ours_and_nothing_else(made: World) -> None:
    async with client_of(made.devnet) as client, ground_of(made.config) as ground:
        [found] = await payer(ground)
        assert (found.status, found.found[:2]) == (Status.OK, "0 ")
        topic_id = await client.topic()
        ours, foreign = (client.submission(topic_id, text) for text in (b"ours", b"theirs"))
        await client.ledger.submit(ours)
        await client.ledger.receipt(ours.id)
        [before] = await payer(ground)  # no database yet: nothing here can be ours
        assert before.status is Status.WARNING
        async with opened(made.config, alone=True) as storage:
            with storage.database.engine.begin() as connection:
                record(connection, ours.id)
            [alone] = await payer(ground)
            assert (alone.status, alone.found[:2]) == (Status.OK, "1 ")
            await client.ledger.submit(foreign)
            await client.ledger.receipt(foreign.id)
            [shared] = await payer(ground)
    assert shared.status is Status.WARNING
    assert "1 of 2 messages" in shared.found
    assert str(foreign.id) in shared.found
    assert "an account of its own" in shared.hint


async def test_what_the_relay_has_verified_is_ours_though_no_record_of_it_is_left(made: World) -> None:
    """As behind a restore: what was sent after the backup is on the ledger alone."""
    await made.start()
    assert (await made.post("/v1/campaigns", {"id": "1", "ownerId": "77"}))[0] == 201
    assert (await made.post("/v1/events", CLOSED))[0] == 202
    await until(lambda: read_of(made) == 2)
    assert await made.stop() == 0
    async with opened(made.config, alone=True) as storage, ground_of(made.config) as ground:
        with storage.database.engine.begin() as connection:
            connection.execute(delete(transactions))
        [found] = await payer(ground)
        assert (found.status, found.found[:2]) == (Status.OK, "2 ")
        with storage.database.engine.begin() as connection:
            connection.execute(update(positions).values(skipped=1))
        [found] = await payer(ground)
        assert found.status is Status.WARNING


def read_of(made: World) -> int:
    """How many messages were read of the one topic."""
    with closing(sqlite3.connect(made.folder / "hcs-bridge.db")) as connection:
        [read] = connection.execute("SELECT COALESCE(MAX(sequence), 0) FROM positions").fetchone()
    return int(read)


async def test_another_payers_messages_are_nothing_to_us(made: World) -> None:
    account = made.devnet.create_account()
    async with client_of(made.devnet, account=account) as other, ground_of(made.config) as ground:
        await other.write(await other.topic(), b"theirs")
        [found] = await payer(ground)
    assert (found.status, found.found[:2]) == (Status.OK, "0 ")


async def test_no_mirror_is_told(made: World) -> None:
    made.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
    async with ground_of(made.config) as ground:
        [found] = await payer(ground)
    assert found.status is Status.FAILED


async def test_more_than_a_page_is_looked_through(made: World) -> None:
    async with client_of(made.devnet) as client, ground_of(made.config) as ground:
        topic_id = await client.topic()
        sent = [client.submission(topic_id, b"theirs") for _ in range(130)]
        for submission in sent:
            await client.ledger.submit(submission)
        await client.ledger.receipt(sent[-1].id)
        [found] = await payer(ground)
    assert "130 of 130 messages" in found.found
