"""Topics from the command line: through the daemon where one answers, else in place."""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from rich.console import Console

from bridge.commands import topic
from bridge.commands.exits import CommandFailed
from bridge.config import Config, load
from bridge.demo.keys import make_demo_keys
from bridge.demo.setting import demo_config
from bridge.errors import CampaignRefused
from tests.bridge.commands.stand_ins import ScriptedDoor, listening
from topics.devnet.devnet import Devnet
from topics.devnet.serve import write_operator_key
from topics.devnet.settings import DevnetSettings

CAMPAIGN = {"id": "1234", "ownerId": "77", "status": "open", "topicId": "0.0.1003", "sequence": 1, "relay": "plain"}


def at(config: Config, url: str) -> Config:
    keys = json.dumps([{"name": "a", "key_file": str(config.http.api_keys[0].key_file)}])
    environ = {"HCS_BRIDGE_HTTP__PORT": str(urlsplit(url).port), "HCS_BRIDGE_HTTP__API_KEYS": keys}
    return load(None, environ)


async def test_the_daemon_makes_it(config: Config) -> None:
    door = ScriptedDoor(lambda _: (201, CAMPAIGN, {}))
    async with listening(door) as url:
        made = await topic.create(at(config, url), "1234", "77")
    names = {"id": "campaign", "ownerId": "owner", "topicId": "topic_id"}
    assert made == {names.get(name, name): value for name, value in CAMPAIGN.items()}
    assert json.loads(door.requests[0][1]) == {"id": "1234", "ownerId": "77"}


async def test_the_daemon_is_told_of_the_relay_mode_if_one_is_named(config: Config) -> None:
    door = ScriptedDoor(lambda _: (201, CAMPAIGN | {"relay": "sealed"}, {}))
    async with listening(door) as url:
        made = await topic.create(at(config, url), "1234", "77", "sealed")
    assert made["relay"] == "sealed"
    assert json.loads(door.requests[0][1]) == {"id": "1234", "ownerId": "77", "relay": "sealed"}


async def test_a_topic_that_the_daemon_has_only_intended_is_waited_for(config: Config) -> None:
    intended = CAMPAIGN | {"status": "intended", "topicId": None}
    door = ScriptedDoor(lambda requests: (201, intended, {}) if len(requests) < 3 else (200, CAMPAIGN, {}))
    async with listening(door) as url:
        made = await topic.create(at(config, url), "1234", "77")
    assert made["topic_id"] == "0.0.1003"
    assert len(door.requests) == 3


async def test_one_that_does_not_come_says_why(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "MADE_WITHIN_S", -1.0)
    outbox = {"nodes": None, "campaigns": {"1234": "INVALID_SIGNATURE"}, "stopped": 1}
    intended = CAMPAIGN | {"status": "intended", "topicId": None}
    door = ScriptedDoor(lambda requests: (201, intended, {}) if len(requests) < 2 else (200, outbox, {}))
    async with listening(door) as url:
        with pytest.raises(CommandFailed, match="1234 has no topic yet: INVALID_SIGNATURE"):
            await topic.create(at(config, url), "1234", "77")


async def test_what_the_daemon_refuses_is_refused(config: Config) -> None:
    door = ScriptedDoor(lambda _: (409, {"error": {"message": "belongs to another owner"}}, {}))
    async with listening(door) as url:
        with pytest.raises(CommandFailed, match="another owner"):
            await topic.create(at(config, url), "1234", "77")


async def test_without_a_daemon_it_is_made_in_place_and_once(tmp_path: Path) -> None:
    make_demo_keys(tmp_path)
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet:
        write_operator_key(tmp_path, devnet.operator_key)
        config = demo_config(
            None, tmp_path, nodes=devnet.nodes, mirror_url=devnet.mirror_url, operator=devnet.operator_id
        )
        made = await topic.create(config, "1234", "77")
        again = await topic.create(config, "1234", "77")
        sealed = await topic.create(config, "1235", "77", "sealed")
        assert await topic.create(config, "1235", "77") == sealed
        with pytest.raises(CampaignRefused, match="another relay mode, which stays"):
            await topic.create(config, "1235", "77", "plain")
    assert (made["relay"], sealed["relay"]) == ("plain", "sealed")
    assert made["topic_id"] == again["topic_id"] is not None
    assert (made["campaign"], made["owner"]) == ("1234", "77")


def test_topics_are_a_table() -> None:
    out = io.StringIO()
    rows = [
        {"campaign": "1234", "topic_id": "0.0.7", "halted": None},
        {"campaign": "9", "topic_id": None, "halted": "x"},
    ]
    Console(file=out, width=80).print(topic.table(rows))
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["campaign", "topic_id", "halted"],
        ["1234", "0.0.7"],
        ["9", "x"],
    ]
    Console(file=out).print(topic.table([]))
