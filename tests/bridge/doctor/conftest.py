"""A world without a daemon, for the doctor's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.world import World, world


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    """A devnet, keys, and a configuration; no database yet."""
    async with world(tmp_path, doctor__timeout_s=5) as made:
        yield made
