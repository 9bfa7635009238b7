"""`db upgrade` says from where to where; `db check` says what is wrong, and ends with 1 then."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.migrations import revisions
from tests.bridge.old_database import old_database
from tests.integration.world import world


async def test_upgrade_as_typed(tmp_path: Path) -> None:
    async with world(tmp_path, database__upgrade_at_start=False) as made:
        assert (await made.command("db", "upgrade"))[0] == 2
        old_database(made.config)
        code, _, err = await made.command("topic", "list")
        assert code == 2
        assert "db upgrade" in err
        code, out, err = await made.command("db", "upgrade", "--json")
        assert (code, json.loads(out)) == (0, {"from": "0001", "to": revisions()[0]}), err
        code, out, _ = await made.command("db", "upgrade")
        assert (code, "already" in out) == (0, True)
        assert (await made.command("topic", "list"))[0] == 0


async def test_check_as_typed(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        assert (await made.command("topic", "list"))[0] == 0
        code, out, err = await made.command("db", "check", "--json")
        assert code == 0, err
        assert [each["name"] for each in json.loads(out)["checks"]] == ["pages", "schema", "rows", "positions"]
        with closing(sqlite3.connect(made.config.database.url.removeprefix("sqlite:///"))) as connection:
            connection.execute("INSERT INTO sponsors VALUES ('nobody', 'backend')")
            connection.commit()
        code, out, _ = await made.command("db", "check", "--offline")
        assert code == 1
        assert "1 rows of sponsors name a missing one of topics" in out
