"""What is known about the whole store: its network, its generation, how far the sweep came."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import migrations, settings, shards
from bridge.database import Database
from bridge.errors import DatabaseHeld
from tests.servers import place_at

NOW_NS = 1_793_600_000 * 10**9


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = Database(sections.Database(**place_at(tmp_path / "b.db"))).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_a_new_store_is_bound_and_reads_the_ledger_from_about_now(connection: Connection) -> None:
    settings.claim(connection, network="testnet", generation="g1", now_ns=NOW_NS)
    assert settings.generation(connection) == "g1"
    assert 0 < NOW_NS - shards.cursor_ns(connection) <= 3600 * 10**9


def test_a_known_store_keeps_its_generation_and_its_cursor(connection: Connection) -> None:
    settings.claim(connection, network="testnet", generation="g1", now_ns=NOW_NS)
    shards.keep_cursor(connection, 77)
    settings.claim(connection, network="testnet", generation="g2", now_ns=NOW_NS + 1)
    assert (settings.generation(connection), shards.cursor_ns(connection)) == ("g1", 77)


def test_a_store_of_another_network_is_refused_and_stays_as_it_is(connection: Connection) -> None:
    settings.claim(connection, network="testnet", generation="g1", now_ns=NOW_NS)
    with pytest.raises(DatabaseHeld, match=r"'testnet'.*'mainnet'") as caught:
        settings.claim(connection, network="mainnet", generation="g2", now_ns=NOW_NS)
    assert "database.url" in caught.value.hint
    assert settings.found(connection, settings.NETWORK) == "testnet"


def test_what_was_never_set(connection: Connection) -> None:
    assert settings.found(connection, "anything") is None
    assert settings.generation(connection) == ""
    assert shards.cursor_ns(connection) == 0
