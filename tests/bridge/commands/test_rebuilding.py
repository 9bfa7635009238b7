"""What a rebuild is given is checked before anything is asked, and only an empty place is taken."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.commands.exits import CommandFailed
from bridge.commands.rebuilding import Request, rebuilt
from bridge.config import Config
from bridge.engines import sqlite
from bridge.errors import DatabaseHeld
from bridge.schema import epochs
from bridge.storage import opened


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({}, "one of --topics FILE, --payer ACCOUNT and --directory TOPIC"),
        ({"payer": "0.0.2", "topics": "topics"}, "one of --topics FILE"),
        ({"payer": "0.0.2", "directory": "0.0.7"}, "one of --topics FILE"),
        ({"directory": "0.0"}, "--directory: "),
        ({"payer": "me"}, "--payer: "),
        ({"topics": "absent"}, "absent can't be read"),
        ({"topics": "topics"}, "--topics, topic 2: "),
        ({"payer": "0.0.2", "key_backup": "topics"}, "--key-backup needs --recovery-key"),
        ({"payer": "0.0.2", "keys_from": "absent"}, "no such file"),
    ],
)
async def test_what_cant_be_meant_is_refused(
    config: Config, tmp_path: Path, request_: dict[str, Any], said: str
) -> None:
    (tmp_path / "topics").write_text("# two\n0.0.1\nnonsense\n")
    paths = {name: value if name in {"payer", "directory"} else tmp_path / value for name, value in request_.items()}
    with pytest.raises((CommandFailed, ExceptionGroup)) as refused:
        await rebuilt(config, Request(**paths))
    inner = refused.value.exceptions[0] if isinstance(refused.value, ExceptionGroup) else refused.value
    assert said in str(inner)
    assert not sqlite.file_of(config.database).exists()


async def test_a_backup_under_another_master_key_is_refused(config: Config, tmp_path: Path) -> None:
    async with opened(config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            storage.ring.ensure(connection, "campaign:1", now_ms=1)
            connection.execute(epochs.update().values(wrapped=os.urandom(60)).where(epochs.c.owner == "campaign:1"))
    sqlite.file_of(config.database).rename(tmp_path / "old.db")
    with pytest.raises((CommandFailed, ExceptionGroup)) as refused:
        await rebuilt(config, Request(payer="0.0.2", keys_from=tmp_path / "old.db"))
    inner = refused.value.exceptions[0] if isinstance(refused.value, ExceptionGroup) else refused.value
    assert "master_key_file" in getattr(inner, "hint", "")


async def test_beside_a_running_daemon_it_is_refused(config: Config) -> None:
    with closing(sqlite.hold(config.database)), pytest.raises(DatabaseHeld):
        await rebuilt(config, Request(payer="0.0.2"))
