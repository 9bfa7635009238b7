"""A database for the tests of the inbound corridor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import migrations, settings
from bridge.database import Database
from tests.footing import GENERATION, NETWORK
from tests.servers import place_at


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A transaction on a database that nothing was read into yet."""
    engine = Database(sections.Database(**place_at(tmp_path / "plain.db"))).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        settings.claim(connection, network=NETWORK, generation=GENERATION, now_ns=10**18)
        yield connection
    engine.dispose()
