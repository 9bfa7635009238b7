"""The client of the HTTP door: patient with a daemon that is away, clear with one that refuses."""

from __future__ import annotations

import pytest

from bridge.commands.door import Door, api_key_for
from bridge.commands.exits import UNREACHABLE, USAGE, CommandFailed
from bridge.config import Config, load
from bridge.errors import ConfigInvalid
from bridge.key_files import read_secret
from tests.bridge.commands.stand_ins import Answer, Request, ScriptedDoor, listening

ACCEPTED: Answer = (202, {"ids": ["i"]}, {})


class Slept:
    """Sleeps no time, and remembers how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_busy_daemon_gets_the_same_request_again(status: int) -> None:
    busy: Answer = (status, {"error": {"message": "later"}}, {"Retry-After": "3"})
    scripted = ScriptedDoor(lambda requests: busy if len(requests) < 3 else ACCEPTED)
    slept = Slept()
    async with listening(scripted) as url, Door(url, "k", patience_s=60, sleep=slept) as door:
        answer = await door.post("/v1/events", b"[]", idempotency_key="once")
    assert (answer.status, answer.body) == (202, {"ids": ["i"]})
    assert slept.seconds == [3.0, 3.0]
    assert {(headers["Idempotency-Key"], body) for headers, body in scripted.requests} == {("once", b"[]")}
    assert {headers["Authorization"] for headers, _ in scripted.requests} == {"Bearer k"}


async def test_patience_ends() -> None:
    slept = Slept()
    async with Door("http://127.0.0.1:1", "k", patience_s=10, sleep=slept) as door:
        with pytest.raises(CommandFailed, match="can't take it") as caught:
            await door.post("/v1/events", b"[]")
    assert caught.value.code == UNREACHABLE
    assert slept.seconds[:4] == [0.25, 0.5, 1.0, 2.0]
    assert 10 <= sum(slept.seconds) < 11


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_told_at_once(status: int) -> None:
    scripted = ScriptedDoor(lambda _: (status, {"error": {"message": "no such key"}}, {}))
    async with listening(scripted) as url, Door(url, "k", patience_s=60) as door:
        with pytest.raises(CommandFailed, match=f"{status}: no such key") as caught:
            await door.post("/v1/events", b"[]")
    assert caught.value.code == USAGE


async def test_other_answers_are_the_callers() -> None:
    def answer(requests: list[Request]) -> Answer:
        return 422, {"problems": []}, {}

    async with listening(ScriptedDoor(answer)) as url, Door(url, "k", patience_s=60) as door:
        assert (await door.post("/v1/events", b"[]")).status == 422


def test_the_first_key_with_the_scope_is_taken(config: Config) -> None:
    assert api_key_for(config, "events:write") == read_secret(config.http.api_keys[0].key_file, key="x")


def test_without_such_a_key_the_configuration_is_to_blame() -> None:
    config = load(None, {"HCS_BRIDGE_HTTP__API_KEYS": '[{"name": "a", "key_file": "k", "scopes": ["events:read"]}]'})
    with pytest.raises(ConfigInvalid, match="scope events:write"):
        api_key_for(config, "events:write")
