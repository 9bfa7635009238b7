"""A database that some campaigns were written into, and the key desk over it, for tests of who can open what."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bridge.app import running
from bridge.desk.keys import KeyDesk
from bridge.offline import carrying
from bridge.storage import Storage, opened
from tests.bridge.relay.audit.conftest import database_of
from tests.bridge.thief import SECRET
from tests.integration.world import World, world
from tests.rooms import until
from topics.values import TopicId


@asynccontextmanager
async def desk(made: World) -> AsyncIterator[tuple[KeyDesk, Storage]]:
    """The desk beside a daemon's rooms, of which none goes by itself."""
    async with opened(made.config, alone=True) as storage, carrying(storage) as rooms:
        woken: list[str] = []
        yield KeyDesk(storage, rooms, wake=woken.extend), storage


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[World]:
    """Campaigns 1 and 2 on the ledger, each with events for all and for users 7 and 8; nothing runs."""
    async with world(tmp_path, publish__linger_ms=0, topics__creations_per_s=100) as made:
        async with running(made.config):
            await publish_all(made)
        yield made


async def publish_all(made: World) -> None:
    """Events of campaigns 1 and 2, for all and for users 7 and 8, until all are confirmed."""
    for campaign in ("1", "2"):
        for to in ({}, {"to": "user:7"}, {"to": "user:8"}):
            said = SECRET + (to.get("to") or f"campaign:{campaign}")
            sent = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": campaign, "message": said}} | to
            assert (await made.post("/v1/events", sent))[0] == 202
    await until(lambda: count(made, "publications") == 6)
    await until(lambda: count(made, "entries WHERE state = 'confirmed'") == 6)


def newest_message(made: World, topic_id: TopicId) -> bytes:
    messages = made.devnet.network.mirror.topics[topic_id].messages
    return messages.at(len(messages) - 1).message


def count(made: World, of: str) -> int:
    with closing(sqlite3.connect(database_of(made))) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {of}").fetchone()[0])  # noqa: S608 # ours


def master_key(folder: Path, name: str = "new.key") -> Path:
    path = folder / name
    path.write_text(os.urandom(32).hex() + "\n")
    path.chmod(0o600)
    return path


ALL = {SECRET + name for name in ("campaign:1", "campaign:2", "user:7", "user:8")}
