"""Rooms on a devnet, for the tests of either corridor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.footing import Terms, terms_at
from tests.rooms import Rooms, rooms_on


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
