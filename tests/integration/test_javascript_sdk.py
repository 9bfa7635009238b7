"""The official JavaScript SDK, unchanged, drives the embedded network and reads its mirror, by REST and by streams."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from topics.devnet.devnet import Devnet
from topics.devnet.settings import DevnetSettings

SCRIPTS = Path(__file__).parent / "js"
DEADLINE_S = 120


async def run_script(name: str, argument: object) -> dict[str, Any]:
    """Run one of the Node scripts; what it printed comes back, read."""
    node = shutil.which("node")
    if node is None or not (SCRIPTS / "node_modules").is_dir():
        pytest.fail("Node and its test clients are needed: `make test` installs them")
    process = await asyncio.create_subprocess_exec(
        node,
        name,
        json.dumps(argument),
        cwd=SCRIPTS,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    printed: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return printed


async def test_the_official_sdk_drives_the_network() -> None:
    async with Devnet(DevnetSettings(consensus_delay_s=0, mirror_delay_s=0)) as devnet:
        told = await run_script(
            "sdk_drives_devnet.mjs",
            {
                "nodes": {str(account): address for account, address in devnet.nodes.items()},
                "mirror": devnet.mirror_url,
                "mirrorGrpc": devnet.mirror_grpc_address,
                "operator": str(devnet.operator_id),
                "key": devnet.operator_key,
            },
        )
    results = told.pop("results")
    assert told == {
        "topicId": "0.0.1002",
        "memo": "driven by the official SDK",
        "sequence": 6,
        "runningHashAgrees": True,
        "submitKeyAgrees": True,
        "wrongKey": "INVALID_SIGNATURE",
        "unknownTopic": "INVALID_TOPIC_ID",
        # The SDK offers a tenth more than the node asked for; the transfer itself costs as much as a query again.
        "paidForInfo": str(83_333 * 11 // 10 + 83_333),
        "chunks": 5,
        "chunksAgree": True,
        "messages": 6,
        "streamed": [True, "the end", 6, ["the end"]],
        "streamedHashAgrees": True,
        "streamedChunks": [1, 2, 3, 4, 5],
        # Four of its five chunks are no message to the SDK: it says nothing at all.
        "halfAMessage": 0,
        "noTopic": "5 NOT_FOUND: 0.0.999999 does not exist",
        "addressBook": [f"{account} {address}" for account, address in devnet.nodes.items()],
        "accountHbar": "7 ℏ",
        "recordFee": "83333",
        "version": "0.75.0",
    }
    assert results.count("CONSENSUSSUBMITMESSAGE SUCCESS") == 6
    assert results.count("CONSENSUSSUBMITMESSAGE INVALID_SIGNATURE") == 1
    assert results.count("CONSENSUSSUBMITMESSAGE INVALID_TOPIC_ID") == 1
    assert results.count("CONSENSUSCREATETOPIC SUCCESS") == 1
