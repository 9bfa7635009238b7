"""Around the stream: what is printed, and from where."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from bridge.commands.exits import USAGE, CommandFailed
from bridge.commands.tailing import Request, run_tail
from bridge.config import Config
from tests.bridge.commands.stand_ins import ScriptedGateway, gateway_listening
from tests.bridge.commands.test_tail import SUBSCRIBED

DATA = {"type": "CAMPAIGN", "payload": {"n": 1}, "timestamp": "2026-11-02T06:00:27.854Z"}
PUBLICATION: dict[str, Any] = {"event": "A", "data": DATA, "meta": {"id": "i", "phase": "provisional"}}


async def test_count_publications_are_printed_as_lines(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway_listening(ScriptedGateway(SUBSCRIBED, [PUBLICATION] * 3)) as url:
        await run_tail(config, Request("campaign:1", url=url, count=2))
        await run_tail(config, Request("campaign:1", url=url, count=1, json=True, token="theirs"))
    out, err = capsys.readouterr()
    *lines, last = out.splitlines()
    assert [line.split()[1:] for line in lines] == [["provisional", "-", "A", "n=1"]] * 2
    assert json.loads(last) == PUBLICATION
    assert err == "campaign:1: subscribed at offset 0, epoch e\n" * 2


@pytest.mark.parametrize(
    ("channel", "user", "campaigns"), [("campaign:12", "0", ["12"]), ("user:77", "77", None)], ids=["campaign", "user"]
)
async def test_a_minted_token_opens_just_that_channel(
    config: Config, channel: str, user: str, campaigns: list[str] | None
) -> None:
    gateway = ScriptedGateway(SUBSCRIBED, [PUBLICATION])
    async with gateway_listening(gateway) as url:
        await run_tail(config, Request(channel, url=url, count=1))
    claims = jwt.decode(gateway.tokens[0], options={"verify_signature": False})
    assert (claims["id"], claims.get("campaigns")) == (user, campaigns)


async def test_the_mirror_has_no_offsets_to_start_from(config: Config) -> None:
    with pytest.raises(CommandFailed) as caught:
        await run_tail(config, Request("campaign:1", mirror=True, since=1, epoch="e"))
    assert caught.value.code == USAGE


@pytest.mark.parametrize("mirror", [False, True])
async def test_what_is_no_channel_is_told_before_anything_is_asked(config: Config, mirror: bool) -> None:
    with pytest.raises(CommandFailed, match="'foo': a channel is campaign:<id> or user:<id>") as caught:
        await run_tail(config, Request("foo", mirror=mirror))
    assert caught.value.code == USAGE
