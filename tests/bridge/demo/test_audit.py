"""The demo's own check of the ledger: every message's hash recomputed, and a lie found."""

from __future__ import annotations

import json
from pathlib import Path

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


def rows(count: int) -> list[dict[str, object]]:
    """Messages as a mirror shows them."""
    import base64

    found: list[dict[str, object]] = []
    behind = bytes(HASH_BYTES)
    for sequence in range(1, count + 1):
        message = f"message {sequence}".encode()
        at_ns = 1_700_000_000_000_000_000 + sequence
        behind = next_running_hash(
            behind, message, payer=PAYER, topic_id=TOPIC, consensus_ns=at_ns, sequence=sequence
        )
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
