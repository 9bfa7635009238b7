"""A database, and rooms on a devnet, for the tests of the inbound corridor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import migrations, settings
from bridge.database import Database
from tests.footing import GENERATION, NETWORK, Terms, terms_at
from tests.rooms import Rooms, rooms_on


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A transaction on a database that nothing was read into yet."""
    engine = Database(sections.Database(url=f"sqlite:///{tmp_path}/plain.db")).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        settings.claim(connection, network=NETWORK, generation=GENERATION, now_ns=10**18)
        yield connection
    engine.dispose()


@pytest.fixture
async def terms(tmp_path: Path) -> AsyncIterator[Terms]:
    """A devnet, and where the rooms' database is to be."""
    async with terms_at(tmp_path) as terms:
        yield terms


@pytest.fixture
async def rooms(terms: Terms) -> AsyncIterator[Rooms]:
    """Every room; only the database's writer goes."""
    async with rooms_on(terms) as rooms:
        yield rooms
