"""A world whose campaign 1 has been published and relayed, with nobody running on it any more."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge import offline
from bridge.app import running
from tests.integration.world import World, world

EVENTS = 6
DEADLINE_S = 30.0


def database_of(made: World) -> Path:
    """The file."""
    return Path(made.config.database.url.removeprefix("sqlite:///"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def published(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A manifest and a frame for each event, every second for user 77 alone, all of it in the store; made once."""
    quick: dict[str, Any] = {"publish__linger_ms": 0, "publish__max_events_per_frame": 1, "mirror__max_attempts": 1}
    async with world(tmp_path_factory.mktemp("audit"), mirror__request_timeout_s=0.5, **quick) as made:
        async with running(made.config):
            for number in range(EVENTS):
                change = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": f"m{number}"}}
                await made.post("/v1/events", change | ({"to": "user:77"} if number % 2 else {}))
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    view = await offline.topic(made.config, "1")
                    if view is not None and view.sequence == EVENTS + 1:
                        break
                    await asyncio.sleep(0.02)
        shutil.copy(database_of(made), made.folder / "as-made.db")
        yield made


@pytest.fixture
def relayed(published: World) -> Iterator[World]:
    """The same for each test, whatever the last one did to the network's faults and to the database."""
    yield published
    published.devnet.faults.clear()
    database_of(published).write_bytes((published.folder / "as-made.db").read_bytes())
