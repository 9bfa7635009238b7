"""What isn't whole is found and said; what is whole is called so."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from bridge.doctor.findings import Status
from bridge.doctor.integrity import checked
from tests.bridge.relay.audit.conftest import database_of, published, relayed  # noqa: F401 # fixtures
from tests.integration.world import World
from topics.devnet.faults import Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def states(made: World, *, offline: bool = False) -> dict[str, tuple[Status, str]]:
    return {each.name: (each.status, each.found) for each in await checked(made.config, offline=offline)}


def spoil(made: World, *statements: str) -> None:
    with closing(sqlite3.connect(database_of(made))) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


async def test_all_is_well(relayed: World) -> None:  # noqa: F811 # the fixture
    found = await states(relayed)
    assert {status for status, _ in found.values()} == {Status.OK}, found
    assert "positions" not in await states(relayed, offline=True)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM flights", "7 rows of transactions name a missing one of flights"),
        ("UPDATE entries SET state = 'flying', flight_id = NULL", "6 entries under way in no flight"),
        ("UPDATE entries SET sequence = NULL", "6 confirmed entries without a place"),
        ("UPDATE publications SET topic_id = '0.0.9'", "6 publications of no topic"),
        ("DELETE FROM channels WHERE channel = 'user:77'", "3 publications above their channel's top"),
        ("UPDATE channels SET top = 0 WHERE channel = 'user:77'", "3 publications above their channel's top"),
    ],
)
async def test_rows_that_lack_others(relayed: World, statement: str, said: str) -> None:  # noqa: F811
    spoil(relayed, statement)
    status, found = (await states(relayed, offline=True))["rows"]
    assert status is Status.FAILED
    assert said in found


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE positions SET running_hash = zeroblob(48)", "another message 7 than was read"),
        ("UPDATE positions SET consensus_ns = consensus_ns + 1", "another message 7 than was read"),
        ("UPDATE positions SET sequence = 99", "has no message 99"),
    ],
)
async def test_a_ledger_that_has_another(relayed: World, statement: str, said: str) -> None:  # noqa: F811
    spoil(relayed, statement)
    status, found = (await states(relayed))["positions"]
    assert status is Status.FAILED
    assert said in found


async def test_a_mirror_that_is_away(relayed: World) -> None:  # noqa: F811
    relayed.devnet.faults.inject(Fault.MIRROR_UNAVAILABLE)
    status, found = (await states(relayed))["positions"]
    assert status is Status.FAILED
    assert "not compared" in found


async def test_a_damaged_page(relayed: World) -> None:  # noqa: F811
    spoil(relayed, "PRAGMA journal_mode=DELETE")
    with closing(sqlite3.connect(database_of(relayed))) as connection:
        [page] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_entries_channel'").fetchone()
    content = bytearray(database_of(relayed).read_bytes())
    content[4096 * (page - 1) + 100 : 4096 * page] = b"\xff" * 3996
    database_of(relayed).write_bytes(content)
    assert (await states(relayed, offline=True))["pages"][0] is Status.FAILED


async def test_an_older_schema_is_said_and_its_rows_left_alone(relayed: World) -> None:  # noqa: F811
    spoil(relayed, "UPDATE alembic_version SET version_num = '0001'")
    found = await states(relayed)
    assert list(found) == ["pages", "schema"]
    assert found["schema"][0] is Status.WARNING
