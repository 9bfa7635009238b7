"""Retries and drops from the command line: the daemon does them where one answers, else this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.commands import outbox_acts
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.errors import DatabaseHeld, EntryRefused
from bridge.storage import opened
from tests.bridge.commands.stand_ins import ScriptedDoor, listening
from tests.bridge.commands.test_topic import at

ID = "01a2050c-a2fc-739b-aef2-b415706bdd2f"


async def test_the_daemon_is_asked(config: Config) -> None:
    door = ScriptedDoor(lambda _: (200, {"retried": 2, "dropped": 1}, {}))
    async with listening(door) as url:
        here = at(config, url)
        assert await outbox_acts.retry(here, [ID], campaign=None) == 2
        assert await outbox_acts.retry(here, [], campaign="1") == 2
        assert await outbox_acts.drop(here, [ID], reason="why") == 1
    assert [json.loads(body) for _, body in door.requests] == [
        {"ids": [ID]},
        {"campaignId": "1"},
        {"ids": [ID], "reason": "why"},
    ]


async def test_what_the_daemon_refuses_is_refused(config: Config) -> None:
    door = ScriptedDoor(lambda _: (409, {"error": {"message": "event is flying; wait"}}, {}))
    async with listening(door) as url:
        with pytest.raises(CommandFailed, match=r"refuses to drop \(409: event is flying; wait"):
            await outbox_acts.drop(at(config, url), [ID])


async def test_without_a_daemon_the_database_is_enough(config: Config) -> None:
    with pytest.raises(EntryRefused, match="is not known"):
        await outbox_acts.drop(config, [ID])
    with pytest.raises(EntryRefused, match="event 'no id' is not known: an id is a UUID"):
        await outbox_acts.retry(config, [ID, "no id"], campaign=None)


async def test_a_daemon_that_does_not_answer_keeps_its_database(config: Config, tmp_path: Path) -> None:
    async with opened(config, alone=True):
        with pytest.raises(DatabaseHeld):
            await outbox_acts.drop(config, [ID])
