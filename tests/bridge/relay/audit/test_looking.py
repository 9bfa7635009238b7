"""The audit's view of our database: nothing can be written through it, and keys come from it on any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete

from bridge import config_sections as sections
from bridge.errors import Unavailable
from bridge.keys.ring import KeyRing, campaign_owner, user_owner
from bridge.relay.audit.looking import ReadOnly, RecordedKeys
from bridge.schema import epochs
from tests.footing import database_at
from tests.servers import place_at

MASTER = bytes(32)


async def test_keys_are_found_and_nothing_can_be_written(tmp_path: Path) -> None:
    ring = KeyRing(MASTER, max_cached=10)
    section = sections.Database(**place_at(tmp_path / "bridge.db"))
    async with database_at(tmp_path / "bridge.db") as database:
        campaign = await database.write(lambda c: ring.ensure(c, campaign_owner("1"), now_ms=1))
        user = await database.write(lambda c: ring.ensure(c, user_owner("77"), now_ms=1))
        view = ReadOnly(section)
        with pytest.raises(Unavailable, match=r"readonly|read-only"):
            view.read(lambda c: c.execute(delete(epochs)))
        keys = RecordedKeys(view, KeyRing(MASTER, max_cached=10), "1", max_cached=10)
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(keys.epoch, [campaign.kid] * 20)) == {campaign.key}
            assert set(threads.map(keys.user, [user.kid] * 20)) == {user.key}
        assert keys.epoch(user.kid) is None
        assert keys.user(campaign.kid) is None
        view.close()
