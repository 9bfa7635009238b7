"""Keys rotated, rewrapped and shredded from the command line: by the daemon where one answers, else by this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.app import running
from bridge.commands import keys_acts
from bridge.commands.exits import CommandFailed
from bridge.config import Config
from bridge.storage import opened
from tests.bridge.commands.stand_ins import ScriptedDoor, listening
from tests.bridge.commands.test_topic import at
from tests.bridge.key_world import ALL, made
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import SECRET, everything_that_opens, key_in
from tests.integration.world import World

__all__ = ["made"]


async def test_beside_the_daemon_and_without_it(made: World) -> None:
    """Each verb, with the daemon going on, and once more when it is stopped; a restart needs nothing done by hand."""
    place = made.folder / "master.key"
    config = made.config
    first = key_in(place)
    async with running(config):
        assert "id" in await keys_acts.rotate(config, "campaign", "1")
        assert "kid" in await keys_acts.rotate(config, "user", "8")
        assert (await keys_acts.rewrap(config, None))["inPlace"]
        done = await keys_acts.shred(config, "user", "7", None)
        assert (len(done["kids"]), done["publications"]) == (1, 2)
        sent = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": "goes on"}}
        assert (await made.post("/v1/events", sent))[0] == 202
    second = key_in(place)
    async with opened(config, alone=True) as storage:
        assert storage.keys.master == second != first
    assert "id" in await keys_acts.rotate(config, "campaign", "2")
    assert "kid" in await keys_acts.rotate(config, "user", "8")
    assert (await keys_acts.rewrap(config, None))["inPlace"]
    assert (await keys_acts.shred(config, "campaign", "1", None))["recordedIn"] == "1"
    left = everything_that_opens(made, [key_in(place)], [database_of(made)])
    assert left == ALL - {SECRET + "campaign:1", SECRET + "user:7"}


async def test_what_the_daemon_refuses_is_refused(config: Config) -> None:
    door = ScriptedDoor(lambda _: (404, {"error": {"message": "user 9 has no keys here"}}, {}))
    before = config.keys.master_key_file.read_text()
    async with listening(door) as url:
        here = at(config, url)
        here = here.model_copy(update={"keys": config.keys, "database": config.database})
        with pytest.raises(CommandFailed, match=r"refuses \(404: user 9 has no keys here"):
            await keys_acts.shred(here, "user", "9", None)
    [(_, body)] = door.requests
    asked = json.loads(body)
    assert asked["userId"] == "9"
    assert Path(asked["newMasterKeyFile"]).is_absolute()
    assert config.keys.master_key_file.read_text() == before


def test_a_person_reads_what_can_still_open() -> None:
    placed = {"masterKeyFile": "/m", "oldMasterKeyFile": None, "inPlace": True}
    done = {"kids": ["00"], "publications": 2, "dropped": 1, "recordedIn": "_account"} | placed
    campaign, user = (keys_acts.shredded_text(kind, "7", done) for kind in ("campaign", "user"))
    assert "1 events will not be sent" in campaign
    assert "old master key" in campaign
    assert "the recovery key, if there is one" in campaign
    assert "`hcs-bridge keys backup`" in user
    assert "from the next seal on" in keys_acts.rotated_text("user", "7", {"kid": "00"})
    assert "outbox show 1" in keys_acts.rotated_text("campaign", "7", {"id": "1"})
    assert "4 keys stand" in keys_acts.rewrapped_text({"rewrapped": 4} | placed)
