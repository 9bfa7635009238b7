"""What `hcs-bridge status` makes of the daemon's word, or of its silence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from bridge.commands.exits import FAILED, OK, UNREACHABLE
from bridge.commands.status import CODES, as_text, look
from bridge.config import Config
from tests.bridge.commands.stand_ins import ScriptedDoor, listening

GOOD = {
    "ready": True,
    "degraded": [],
    "topics": {"halted": 0},
    "campaigns": {"stopped": 0},
    "mirrors": {"down": 0, "of": 1},
    "nodes": {"down": 1, "of": 2},
    "intake": {"down": [], "of": 0},
}
BAD = {"error": {"code": "unavailable", "message": "the database: it has taken no write for 2 s"}}


async def asked(config: Config, status: int, body: dict[str, Any]) -> dict[str, Any]:
    """What is seen where the daemon answers so."""
    async with listening(ScriptedDoor(lambda _: (status, body, {}))) as url:
        port = urlsplit(url).port
        return await look(config.model_copy(update={"http": config.http.model_copy(update={"port": port})}))


@pytest.mark.parametrize(
    ("status", "body", "seen", "code", "says"),
    [
        (200, GOOD, "ready", OK, "nodes down: 1 of 2"),
        (200, GOOD | {"degraded": ["topics"], "topics": {"halted": 2}}, "degraded", OK, "hcs-bridge topic list"),
        (200, GOOD | {"degraded": ["descriptors"]}, "degraded", OK, "LimitNOFILE="),
        (
            200,
            GOOD | {"degraded": ["campaigns"], "campaigns": {"stopped": 3}},
            "degraded",
            OK,
            "hcs-bridge outbox list",
        ),
        (200, GOOD | {"degraded": ["database"]}, "degraded", OK, "the disk is full"),
        (
            200,
            GOOD | {"degraded": ["intake"], "intake": {"down": ["shop"], "of": 1}},
            "degraded",
            OK,
            "its changes wait there",
        ),
        (200, GOOD | {"degraded": ["what is new"]}, "degraded", OK, "what is new"),
        (503, BAD, "not ready", FAILED, "503: the database: it has taken no write for 2 s"),
    ],
)
async def test_what_the_daemon_says(
    config: Config, status: int, body: dict[str, Any], seen: str, code: int, says: str
) -> None:
    found = await asked(config, status, body)
    assert found["status"] == seen
    assert CODES[seen] == code
    assert says in as_text(found)


async def test_a_daemon_that_is_not_upgraded_yet_is_shown_as_far_as_it_says(config: Config) -> None:
    older = {name: value for name, value in GOOD.items() if name != "campaigns"}
    assert "topics halted: 0" in as_text(await asked(config, 200, older))


async def test_nobody_answers(config: Config) -> None:
    found = await look(config)
    assert found["status"] == "away"
    assert CODES["away"] == UNREACHABLE
    assert "gives no answer" in as_text(found)
