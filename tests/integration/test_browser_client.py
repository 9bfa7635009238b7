"""The browser client in a real browser: live, recovered, opened and checked, by the gateway and from mirrors."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.commands.token import mint
from bridge.keys.load import public_key_of
from tests.integration.key_holder import KeyHolder
from tests.integration.listeners import JS
from tests.integration.test_page import browser
from tests.integration.test_sealed import confirmed
from tests.integration.world import World, world
from topics.devnet.faults import Fault
from topics.devnet.settings import DevnetSettings
from topics.values import TopicId

OWNER = "77"
REVOKED = "99"
DEADLINE_S = 120
SETTINGS: dict[str, Any] = {
    "publish__linger_ms": 0,
    "gateway__drain_timeout_s": 0.1,
    "gateway__origins": ["http://app.localhost", "http://127.0.0.1"],
}
TWO_MIRRORS = DevnetSettings(consensus_delay_s=0, mirror_delay_s=0, mirrors=2)


class Stage:
    """What the script may ask for, by name. The daemon reads the first mirror; the second may lie."""

    def __init__(self, made: World) -> None:
        self._made = made
        self.pin = public_key_of(made.config.keys)
        self._last: dict[str, str] = {}
        self._keys: dict[str, Any] = {}

    async def do(self, action: str, *arguments: Any) -> Any:
        """Do it; what comes back is the answer."""
        match action, *arguments:
            case "token", str(user), int(lives_s):
                campaigns = ["2"] if user == REVOKED else []
                return mint(self._made.config, user, campaigns=campaigns, ttl_s=lives_s, now_s=int(time.time()))
            case "publish", str(campaign), str(text), *to:
                return await self._publish(campaign, text, *to)
            case "confirmed", str(campaign):
                await confirmed(self._made, self._last[campaign])
            case "forge", int(sequence):
                topic = TopicId.parse((await self._held("1"))["topic"])
                faults = self._made.devnet.faults
                faults.inject(Fault.MESSAGE_FORGED, mirror=1, topic=topic, from_sequence=sequence)
            case ("tell the truth",):
                self._made.devnet.faults.clear()
            case "keys", str(campaign):
                return await self._held(campaign)
            case ("stop",):
                await self._made.stop()
            case ("start",):
                await self._made.start()
            case _:
                raise AssertionError(action)
        return None

    async def _publish(self, campaign: str, text: str, user: str | None = None) -> str:
        event = {"event": "CAMPAIGN_CLOSED", "campaignId": campaign, "payload": {"message": text}}
        status, answer = await self._made.post("/v1/events", event | ({"to": f"user:{user}"} if user else {}))
        assert status == 202, answer
        [self._last[campaign]] = answer["ids"]
        return self._last[campaign]

    async def _held(self, campaign: str) -> dict[str, Any]:
        """The keys that the owner is granted, and the topic; as they were when first asked for."""
        if campaign not in self._keys:
            holder = KeyHolder(self._made.http, self._made.token(OWNER), campaign, self.pin)
            assert await holder.fetch_keys() == 200
            keys = [{"owner": owner, "key": key.hex()} for (owner, _), key in holder.keys.items()]
            self._keys[campaign] = {"topic": holder.topic, "keys": keys}
        held: dict[str, Any] = self._keys[campaign]
        return held


async def play(made: World) -> dict[str, str]:
    """Run the script, doing what it asks for; how each scenario ended comes back."""
    node = shutil.which("node")
    if node is None or not (JS / "node_modules").is_dir():
        pytest.fail("Node and its test clients are needed: `make test` installs them")
    stage = Stage(made)
    mirrors = json.dumps([each.rest.url for each in made.devnet.mirrors])
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        node, JS / "browser_client.mjs", made.http, made.gateway, stage.pin.hex(), mirrors, browser(),
        stdin=pipe, stdout=pipe, limit=1 << 20,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    try:
        async with asyncio.timeout(DEADLINE_S):
            while line := await process.stdout.readline():
                asked = json.loads(line)
                if isinstance(asked, dict):
                    result: dict[str, str] = asked["result"]
                    return result
                process.stdin.write(json.dumps(await stage.do(*asked)).encode() + b"\n")
            raise AssertionError("the script ended without a result")
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_every_scenario(tmp_path: Path) -> None:
    async with world(tmp_path, TWO_MIRRORS, **SETTINGS) as made:
        await made.start()
        for campaign, relay in (("1", "plain"), ("2", "sealed")):
            status, _ = await made.post("/v1/campaigns", {"id": campaign, "ownerId": OWNER, "relay": relay})
            assert status == 201
        status, _ = await made.post("/v1/campaigns/2/revoke", {"user": REVOKED})
        assert status == 200
        result = await play(made)
    assert {name: how for name, how in result.items() if how != "passed"} == {}
    assert len(result) == 13
