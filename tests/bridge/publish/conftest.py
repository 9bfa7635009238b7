"""A database with registered campaigns for the tests of the outbound corridor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import migrations
from bridge.database import Database
from bridge.schema import registry
from tests.servers import place_at


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A transaction on a database that knows the campaigns c1 and c2."""
    engine = Database(sections.Database(**place_at(tmp_path / "plain.db"))).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        for ref in ("c1", "c2"):
            registry.intend(connection, ref, owner=None, now_ms=1)
        yield connection
    engine.dispose()
