"""A PostgreSQL of the application, and a bridge beside it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.bridge.intake.application import TABLE, Application, Bridge, bridge_at
from tests.bridge.intake.hashbuzz import backend, prepared
from tests.servers import PostgresServer


@pytest.fixture
async def application(postgres_url: str) -> Application:
    """Its table is empty."""
    made = Application(postgres_url.replace("+psycopg", ""))
    await made.ask(TABLE)
    return made


@pytest.fixture
async def bridge(tmp_path: Path, application: Application) -> AsyncIterator[Bridge]:
    """One that knows no campaign."""
    async with bridge_at(tmp_path, application) as made:
        yield made


@pytest.fixture(scope="session")
def hashbuzz_template(postgres: PostgresServer) -> str:
    """The database that each test gets a copy of."""
    name = "hashbuzz"
    postgres.command(f"CREATE DATABASE {name}")
    prepared(postgres.url(name))
    return name


@pytest.fixture
def hashbuzz_url(postgres: PostgresServer, hashbuzz_template: str) -> Iterator[str]:
    """HashBuzz's tables with five users and the preset's triggers."""
    name = f"hashbuzz_{uuid.uuid4().hex}"
    postgres.command(f"CREATE DATABASE {name} TEMPLATE {hashbuzz_template}")
    yield postgres.url(name)
    postgres.command(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def session(hashbuzz_url: str) -> Iterator[psycopg.Connection[Any]]:
    """The backend's, which may read and write nothing of the bridge's."""
    with backend(hashbuzz_url, autocommit=True) as made:
        yield made
