"""The demo's own check of the ledger: every message's hash recomputed, and a lie found."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bridge.demo.audit import recomputed
from topics.errors import RunningHashMismatch
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.running_hash import next_running_hash
from topics.values import HASH_BYTES, AccountId, TopicId, format_timestamp

TOPIC = TopicId(0, 0, 1001)
PAYER = AccountId(0, 0, 2)


def rows(count: int) -> list[dict[str, Any]]:
    """Messages as a mirror shows them."""
    found: list[dict[str, Any]] = []
    behind = bytes(HASH_BYTES)
    for sequence in range(1, count + 1):
        message = f"message {sequence}".encode()
        at_ns = 1_700_000_000_000_000_000 + sequence
        behind = next_running_hash(behind, message, payer=PAYER, topic_id=TOPIC, consensus_ns=at_ns, sequence=sequence)
        found.append(
            {
                "chunk_info": None,
                "consensus_timestamp": format_timestamp(at_ns),
                "message": base64.b64encode(message).decode(),
                "payer_account_id": str(PAYER),
                "running_hash": base64.b64encode(behind).decode(),
                "running_hash_version": 3,
                "sequence_number": sequence,
                "topic_id": str(TOPIC),
            }
        )
    return found


def mirror_of(shown: list[dict[str, Any]]) -> TestServer:
    """A mirror that shows these messages, two a page."""

    async def messages(request: web.Request) -> web.Response:
        after = int(request.query["sequencenumber"].removeprefix("gte:")) - 1
        return web.json_response({"links": {"next": None}, "messages": shown[after : after + 2]})

    app = web.Application()
    app.router.add_get(f"/api/v1/topics/{TOPIC}/messages", messages)
    return TestServer(app)


async def test_every_page_is_read_and_recomputed() -> None:
    shown = rows(5)
    async with mirror_of(shown) as server:
        mirror = Mirror(str(server.make_url("")), MirrorSettings())
        chain = await recomputed(mirror, [TOPIC])
        await mirror.close()
    assert [base64.b64encode(position.running_hash).decode() for position in chain[TOPIC]] == [
        row["running_hash"] for row in shown
    ]


async def test_a_changed_message_is_found() -> None:
    shown = rows(5)
    shown[3]["message"] = base64.b64encode(b"another").decode()
    async with mirror_of(shown) as server:
        mirror = Mirror(str(server.make_url("")), MirrorSettings())
        with pytest.raises(RunningHashMismatch):
            await recomputed(mirror, [TOPIC])
        await mirror.close()
