"""From the directory's id alone all campaigns come back, and the directory goes on where it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge import offline
from bridge.app import running
from bridge.commands import topic
from bridge.commands.exits import CommandFailed
from bridge.protocol.channels import ACCOUNT
from bridge.protocol.directory import registered, registration
from bridge.publish.directory import DIRECTORY, listings
from bridge.schema import registry
from tests.bridge.lost_day import all_confirmed, campaigns_of, content, mirror_on, publish, reading, rebuild
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.world import World, world
from tests.rooms import until
from tests.topics.client import client_of
from topics.values import TopicId


async def all_listed(made: World, campaigns: int) -> bool:
    async with reading(made) as storage:
        found = await storage.database.read(listings)
    return len(found) == campaigns + 1 and {each.status for each in found[1:]} == {"listed"}


@pytest.fixture
async def lost(tmp_path: Path) -> AsyncIterator[World]:
    """Two campaigns with events, one event for a user alone, a directory of the three topics; and no database."""
    async with world(tmp_path, topics__directory=True) as made:
        for campaign in ("1", "2"):
            await offline.create_topic(made.config, campaign, "77")
        await offline.create_topic(made.config, ACCOUNT, None)
        async with running(made.config):
            await publish(made, "1", "one")
            await publish(made, "2", "two")
            await all_confirmed(made, 2)
            await until(lambda: all_listed(made, 3))
        database_of(made).rename(made.folder / "backup.db")
        yield made


async def directory_of(made: World) -> TopicId:
    async with reading(made, made.folder / "backup.db") as storage:
        known = await storage.database.read(lambda c: registry.find(c, DIRECTORY))
    assert known is not None
    assert known.topic_id is not None
    return known.topic_id


async def on_ledger(made: World) -> list[TopicId]:
    """What the directory lists, double or not."""
    async with mirror_on(made) as mirror:
        messages = await mirror.messages(await directory_of(made), after=0)
    return [topic_id for each in messages if (topic_id := registered(each.message)) is not None]


@pytest.mark.parametrize("by", ["directory", "payer"])
async def test_all_of_it_comes_back_and_nothing_is_listed_twice(lost: World, by: str) -> None:
    directory, before = await directory_of(lost), await on_ledger(lost)
    named = {"payer": None, "directory": str(directory)} if by == "directory" else {}
    tally = await rebuild(lost, **named)
    assert sorted(tally.campaigns.values()) == sorted([ACCOUNT, "1", "2"])
    assert tally.foreign == set()
    assert campaigns_of(await content(lost)) == campaigns_of(await content(lost, lost.folder / "backup.db"))
    shown = await topic.listed(lost.config, pool=False, directory=True)
    assert shown[0] == {"campaign": DIRECTORY, "topic_id": str(directory), "status": "the directory itself"}
    assert await all_listed(lost, 3)
    made = await offline.create_topic(lost.config, f"new by {by}", "77")
    async with running(lost.config):
        await until(lambda: all_listed(lost, 4))
    after = await on_ledger(lost)
    assert after == [*before, TopicId.parse(str(made.topic_id))]
    assert set(lost.devnet.network.state.topics) == {*after, directory}


async def test_what_it_lists_of_others_is_left_alone_and_said(lost: World) -> None:
    directory = await directory_of(lost)
    async with client_of(lost.devnet) as thief:  # who has the operator's key
        of_others = await thief.topic()
        await thief.write(of_others, b"hello")
        await thief.write(directory, registration(of_others))
        await thief.write(directory, b"hello")
    tally = await rebuild(lost, payer=None, directory=str(directory))
    assert (len(tally.campaigns), tally.foreign) == (3, {of_others})


async def test_a_topic_that_lists_nothing_is_refused_by_name(lost: World) -> None:
    for topic_id in ("0.0.99999", str((await on_ledger(lost))[0])):
        with pytest.raises((CommandFailed, ExceptionGroup)) as refused:
            await rebuild(lost, payer=None, directory=topic_id)
        inner = refused.value.exceptions[0] if isinstance(refused.value, ExceptionGroup) else refused.value
        assert str(inner) == f"--directory: {topic_id} isn't one on this network"
        assert not database_of(lost).exists()
