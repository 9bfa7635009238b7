"""Shards: every campaign has one for ever, and each knows up to where it was read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import migrations, shards
from bridge.database import Database
from bridge.shards import SHARDS, shard_of
from tests.servers import place_at


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = Database(sections.Database(**place_at(tmp_path / "b.db"))).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        shards.begin(connection, cursor_ns=1)
        yield connection
    engine.dispose()


def test_a_campaign_has_the_same_one_at_every_daemon_and_for_ever() -> None:
    assert [shard_of(ref) for ref in ("1", "c1", "_account")] == [55, 33, 25]
    assert {shard_of(str(number)) for number in range(1000)} == set(range(SHARDS))


def test_cursors_move_on_each_from_where_it_was_found(connection: Connection) -> None:
    shards.keep_cursor(connection, 500)
    shards.move_cursors(connection, {1: 500, 2: 500}, 700)
    shards.lower_cursor(connection, 600)
    assert shards.cursors_of(connection, [0, 1, 2]) == {0: 500, 1: 600, 2: 600}
    shards.move_cursors(connection, {1: 600, 2: 700}, 900)  # the second was lowered since
    assert shards.cursors_of(connection, [1, 2]) == {1: 900, 2: 600}
    assert shards.cursor_ns(connection) == 500
