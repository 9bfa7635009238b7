"""The public npm client, unchanged, in Node and in a browser, against a running gateway."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import product

import pytest

from tests.integration.listeners import JS
from tests.integration.stage import Stage, staged, staged_over_http
from tests.integration.test_page import browser

ORIGIN = "http://app.localhost"
DEADLINE_S = 60
JSON = "centrifuge"
PROTOBUF = "centrifuge/build/protobuf"


async def play(stage: Stage, *arguments: str) -> dict[str, str]:
    """Run the script, doing what it asks for; how each scenario ended comes back."""
    node = shutil.which("node")
    if node is None or not (JS / "node_modules").is_dir():
        pytest.fail("Node and its test clients are needed: `make test` installs them")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        node, JS / "conformance.mjs", stage.url, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(DEADLINE_S):
            while line := await process.stdout.readline():
                asked = json.loads(line)
                if isinstance(asked, dict):
                    result: dict[str, str] = asked["result"]
                    return result
                process.stdin.write(json.dumps(stage.do(*asked)).encode() + b"\n")
            raise AssertionError((await process.stderr.read()).decode())
    finally:
        process.stdin.close()
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_every_scenario_in_node() -> None:
    """Over a WebSocket, and over the client's own fallback; in JSON, and in Protobuf."""

    async def played(build: str, staging: Callable[[], AbstractAsyncContextManager[Stage]]) -> dict[str, str]:
        async with staging() as stage:
            return await play(stage, build)

    every = product((JSON, PROTOBUF), (staged, staged_over_http))
    for result in await asyncio.gather(*(played(*each) for each in every)):
        assert {name: how for name, how in result.items() if how != "passed"} == {}
        assert len(result) > 10


async def test_every_scenario_in_a_browser() -> None:
    async with staged(origins=(ORIGIN,)) as stage:
        result = await play(stage, JSON, browser(), ORIGIN)
    assert {name: how for name, how in result.items() if how != "passed"} == {}
    assert len(result) > 10
