"""The topic that is meant, with and without a database, and the key to pin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.commands.auditing import given_key, key_ring, looked_up, own_key, shown
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.errors import ConfigInvalid
from bridge.keys.load import load_keys
from tests.bridge.relay.audit.conftest import published, relayed
from tests.integration.world import World
from topics.values import TopicId

__all__ = ["published", "relayed"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = "11" * 32


async def test_a_topic_is_named_by_its_campaign_or_by_itself(relayed: World, tmp_path: Path) -> None:
    [topic_id] = relayed.devnet.network.mirror.topics
    for target in ("1", str(topic_id)):
        async with looked_up(relayed.config, target) as known:
            assert known.topic_id == topic_id
            assert known.here is not None
            assert known.here[1] == "1"
    nowhere = relayed.config.database.model_copy(update={"url": f"sqlite:///{tmp_path}/none.db"})
    away = replace(relayed, config=relayed.config.model_copy(update={"database": nowhere}))
    async with looked_up(away.config, str(topic_id)) as known:
        assert (known.topic_id, known.here) == (topic_id, None)
    with pytest.raises(CommandFailed, match="no topic for campaign 1"):
        async with looked_up(away.config, "1"):
            pass
    with pytest.raises(CommandFailed, match=r"knows no topic 0\.0\.99999"):
        async with shown(relayed.config, TopicId(0, 0, 99999)):
            pass


async def test_a_pin_is_hex_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "bridge.pub").write_text(f"# ours\n{KEY}\n")
    assert given_key(str(tmp_path / "bridge.pub")) == given_key(KEY) == bytes.fromhex(KEY)
    with pytest.raises(CommandFailed, match="64 hex digits"):
        given_key("abc")


async def test_our_own_keys(config: Config, tmp_path: Path) -> None:
    assert own_key(config) == load_keys(config.keys).public
    keys = config.keys.model_copy(update={"signing_key_file": tmp_path / "none.key"})
    away = config.model_copy(update={"keys": keys})
    assert own_key(away) is None
    with pytest.raises(ConfigInvalid, match=r"none\.key"):
        key_ring(away)
