"""A database with registered campaigns, and rooms on a devnet, for the tests of the outbound corridor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from bridge import config_sections as sections
from bridge import migrations
from bridge.database import Database
from bridge.schema import registry
from tests.footing import Terms, terms_at
from tests.rooms import Rooms, rooms_on


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A transaction on a database that knows the campaigns c1 and c2."""
    engine = Database(sections.Database(url=f"sqlite:///{tmp_path}/plain.db")).engine
    migrations.upgrade(engine)
    with engine.begin() as connection:
        for ref in ("c1", "c2"):
            registry.intend(connection, ref, owner=None, now_ms=1)
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
