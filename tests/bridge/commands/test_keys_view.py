"""The list of keys says whose, since when and by whom, and never a key."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bridge.commands import keys_view
from bridge.config import Config
from bridge.errors import KeysRefused
from bridge.storage import now_ms, opened


async def test_whose_keys_there_are(config: Config) -> None:
    async with opened(config, alone=True) as storage:
        with storage.database.engine.begin() as connection:
            old = storage.ring.ensure(connection, "campaign:1", now_ms=now_ms() - 3 * keys_view.DAY_MS)
            new = storage.ring.renew(connection, "campaign:1", now_ms=now_ms(), since=8, by="ops")
            storage.ring.ensure(connection, "user:7", now_ms=now_ms())
    rows = await keys_view.listed(config)
    assert [row["owner"] for row in rows] == ["campaign:1", "campaign:1", "store", "user:7"]
    told = {"owner": "campaign:1", "epoch": 1, "kid": old.kid.hex(), "age_days": 3.0, "in_force": False}
    assert rows[0] == told | {"since_frame": 0, "by": ""}
    assert (rows[1]["in_force"], rows[1]["since_frame"], rows[1]["by"]) == (True, 8, "ops")
    assert [row["owner"] for row in await keys_view.listed(config, ("user", "7"))] == ["user:7"]
    assert len(await keys_view.listed(config, ("campaign", "1"))) == 2
    with pytest.raises(KeysRefused, match="campaign 9 has no keys here"):
        await keys_view.listed(config, ("campaign", "9"))
    screen = io.StringIO()
    Console(file=screen, width=200).print(keys_view.table(rows))
    assert old.kid.hex() in screen.getvalue()
    for text in (screen.getvalue(), json.dumps(rows)):
        assert old.key.hex() not in text
        assert new.key.hex() not in text
