"""The verb as it is typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bridge import offline
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import world

SERVICE = 65532  # a user's id that is nobody's here


async def test_as_typed(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await offline.topics(made.config)
        database_of(made).rename(tmp_path / "old.db")
        if is_root := os.geteuid() == 0:  # as in a service's folder
            os.chown(tmp_path, SERVICE, SERVICE)
        code, out, err = await made.command("restore", "old.db", "--settled", "--json")
        assert (code, json.loads(out)["campaigns"], json.loads(out)["lost"]) == (0, 0, 0), err
        assert database_of(made).exists()
        assert (tmp_path / "old.db").exists()
        assert database_of(made).stat().st_uid == (SERVICE if is_root else os.geteuid())
