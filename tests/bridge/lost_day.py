"""A day of three campaigns whose database is lost, for tests of what can be made of the ledger again."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Connection, func, select

from bridge import offline
from bridge.app import running
from bridge.commands.keys_made import backup
from bridge.commands.rebuilding import Request, rebuilt
from bridge.protocol.realtime.recovery import Publication, StreamPosition
from bridge.rebuild import Tally
from bridge.remotes import mirror_of
from bridge.schema import channels, publications, registry
from bridge.storage import Storage, opened
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import World, world
from tests.rooms import until
from topics.mirror.rest import Mirror
from topics.values import TopicId

LONG = "x" * 2500
Store = dict[str, list[Publication]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Three campaigns of several frames each, some long, for users, rotated, or closed; nothing runs any more."""
    folder = tmp_path_factory.mktemp("day")
    private = X25519PrivateKey.generate()
    (folder / "recovery.pub").write_text(private.public_key().public_bytes_raw().hex() + "\n")
    (folder / "recovery.key").write_text(private.private_bytes_raw().hex() + "\n")
    (folder / "recovery.key").chmod(0o600)
    quick: dict[str, Any] = {
        "publish__linger_ms": 0,
        "publish__max_events_per_frame": 2,
        "mirror__max_attempts": 1,
        "relay__batch_messages": 2,
        "topics__creations_per_s": 100,
        "keys__recovery_public_key_file": str(folder / "recovery.pub"),
    }
    async with world(folder, **quick) as made:
        async with running(made.config):
            for number in range(5):
                for campaign in ("1", "2", "3"):
                    await publish(made, campaign, LONG if number == 3 else f"m{number}")
                await publish(made, "2", f"for one {number}", to="user:77")
                if number in (1, 2):
                    assert (await made.post("/v1/campaigns/1/rotate", {}))[0] == 202
                    assert (await made.post("/v1/users/77/rotate", {}))[0] == 200
            await all_confirmed(made, 20)
            assert (await made.post("/v1/campaigns/3/close", {}))[0] == 202
            await until(lambda: status_is(made, "3", "closed"))
        shutil.copy(database_of(made), made.folder / "backup.db")
        await backup(made.config, made.folder / "users.keys")
        yield made


@pytest.fixture
def lost(day: World) -> Iterator[World]:
    """The day's world without its database."""
    for path in database_of(day).parent.glob(f"{database_of(day).name}*"):
        path.unlink()
    yield day
    day.devnet.faults.clear()


async def publish(made: World, campaign: str, message: str, **to: str) -> None:
    change = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": campaign, "message": message}}
    code, answer = await made.post("/v1/events", change | to)
    assert code == 202, answer


async def status_is(made: World, campaign: str, status: str) -> bool:
    view = await offline.topic(made.config, campaign)
    return view is not None and view.status == status


async def all_confirmed(made: World, number: int) -> None:
    async def are() -> bool:
        async with opened(made.config, alone=False) as storage:
            kept = await storage.database.read(
                lambda c: c.execute(select(func.count()).select_from(publications)).scalar_one()
            )
            return bool(kept >= number)

    await until(are)


@asynccontextmanager
async def reading(made: World, path: Path | None = None) -> AsyncIterator[Storage]:
    section = made.config.database
    if path is not None:
        section = section.model_copy(update={"url": f"sqlite:///{path}"})
    async with opened(made.config.model_copy(update={"database": section}), alone=False) as storage:
        yield storage


async def content(made: World, path: Path | None = None) -> Store:
    """What each channel has, opened: offsets and JSON."""
    async with reading(made, path) as storage:

        def read(connection: Connection) -> Store:
            names = connection.execute(select(channels.c.channel)).scalars()
            return {name: storage.store.read(connection, name, since=0, limit=1000) for name in names}

        return await storage.database.read(read)


async def place_of(made: World, path: Path | None = None) -> dict[str, StreamPosition]:
    """What a client is told on subscribing: offset and epoch."""
    async with reading(made, path) as storage:

        def read(connection: Connection) -> dict[str, StreamPosition]:
            known = registry.find(connection, "1")
            topic_id = None if known is None else known.topic_id
            return {name: storage.store.top(connection, name, topic_id) for name in ("campaign:1", "user:77")}

        return await storage.database.read(read)


async def rebuild(made: World, **request: Any) -> Tally:
    payer = str(made.devnet.operator_id)
    return await rebuilt(made.config, Request(**{"payer": payer, "keys_from": made.folder / "backup.db", **request}))


@asynccontextmanager
async def mirror_on(made: World) -> AsyncIterator[Mirror]:
    mirror = mirror_of(made.config)
    try:
        yield mirror
    finally:
        await mirror.close()


def on_ledger(made: World) -> dict[TopicId, int]:
    return {topic_id: len(topic.messages) for topic_id, topic in made.devnet.network.mirror.topics.items()}


def campaigns_of(store: Store) -> Store:
    return {name: found for name, found in store.items() if name.startswith("campaign:")}
