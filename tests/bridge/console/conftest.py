"""A database with campaigns, for what the console reads of it."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from tests.bridge.console.plans import Plans
from tests.bridge.publish.conftest import connection

__all__ = ["connection", "plans"]


@pytest.fixture
def plans(connection: Connection) -> Plans:
    """How the statements would be run."""
    return Plans(connection)
