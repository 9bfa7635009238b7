"""The plain socket of a whole daemon: by npm ws and Node's own crypto, and across a crash."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.bridge.gateway.plain_client import PlainClient
from tests.integration.listeners import JS
from tests.integration.world import World, world

KEY = "0f" * 32
DEADLINE_S = 30
SCRIPT = JS / "plain.mjs"


async def notify(made: World, title: str) -> str:
    """The seed's `sendToUser`."""
    payload = {"notificationType": "INFO", "title": title, "message": "\N{EURO SIGN} 5"}
    status, body = await made.post("/v1/events", {"event": "SYSTEM_NOTIFICATION", "to": "user:77", "payload": payload})
    assert status == 202, body
    [id_] = body["ids"]
    return str(id_)


async def confirmed(client: PlainClient) -> str:
    """The id of the next confirmed event."""
    while (meta := (await client.hear())["meta"]).get("phase") != "confirmed":
        pass
    return str(meta["id"])


@asynccontextmanager
async def npm_ws(url: str, key: str) -> AsyncIterator[asyncio.StreamReader]:
    """What it hears, a line of JSON each."""
    node = shutil.which("node")
    if node is None or not (JS / "node_modules").is_dir():
        pytest.fail("Node and its test clients are needed: `make test` installs them")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node, SCRIPT, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps({"url": url, "key": key}).encode() + b"\n")
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def heard(lines: asyncio.StreamReader, **wanted: Any) -> Any:
    """The next message whose `meta`, or which itself, has all of `wanted`."""
    async with asyncio.timeout(DEADLINE_S):
        while line := await lines.readline():
            message = json.loads(line)
            if wanted.items() <= {**message, **message.get("meta", {})}.items():
                return message
    raise AssertionError("it has ended")


async def test_what_was_missed_comes_after_a_crash_and_node_opens_it(tmp_path: Path) -> None:
    key_file = tmp_path / "plain.key"
    key_file.write_text(KEY + "\n")
    key_file.chmod(0o600)
    changes: dict[str, Any] = {
        "gateway__plain_socket": True,
        "gateway__plain_socket_key_file": str(key_file),
        "gateway__drain_timeout_s": 0.2,
    }
    async with world(tmp_path, **changes) as made:
        await made.start()
        url, token = made.gateway.removesuffix("/connection/websocket"), made.token("77")
        async with PlainClient(url, token) as tab:
            await tab.begin(1)
            first = await notify(made, "first")
            assert await confirmed(tab) == first
            await made.kill()
            assert (await tab.closed())[0] == 1006
        await made.start()
        second = await notify(made, "second")
        async with PlainClient(url, token, since=tab.since) as again:
            assert await confirmed(again) == second
            async with npm_ws(f"{url}/ws?access_token={token}&since=user:77/0", KEY) as lines:
                for id_, title in ((first, "first"), (second, "second")):
                    message = await heard(lines, id=id_, phase="confirmed")
                    assert message["encrypted"] is True
                    assert message["data"]["payload"]["title"] == title
                    assert message["data"]["payload"]["message"] == "\N{EURO SIGN} 5"
                assert await made.stop() == 0
                assert await heard(lines, closed=3001)
        assert KEY not in made.log
        assert token not in made.log
