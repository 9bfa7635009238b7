"""The verb as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

from bridge import offline
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import world


async def test_as_typed(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await offline.topics(made.config)
        database_of(made).rename(tmp_path / "old.db")
        code, out, err = await made.command("restore", "old.db", "--settled", "--json")
        assert (code, json.loads(out)["campaigns"], json.loads(out)["lost"]) == (0, 0, 0), err
        assert database_of(made).exists()
        assert (tmp_path / "old.db").exists()
