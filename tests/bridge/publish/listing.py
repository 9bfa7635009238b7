"""Campaigns to be listed, and what the mirror's REST shows of the directory."""

from __future__ import annotations

import base64
import json

import aiohttp

from bridge.publish.directory import DIRECTORY
from bridge.schema import registry
from tests.rooms import Rooms, change
from topics.values import TopicId


async def campaigns(rooms: Rooms, *refs: str) -> list[TopicId]:
    """Campaigns whose manifests have reached consensus."""
    for ref in refs:
        await rooms.accept(change(ref))
        await rooms.carry(ref)
    return [await rooms.topic(ref) for ref in refs]


async def directory_of(rooms: Rooms) -> TopicId:
    known = await rooms.database.read(lambda c: registry.find(c, DIRECTORY))
    assert known is not None
    assert known.topic_id is not None
    return known.topic_id


async def shown(rooms: Rooms) -> list[TopicId]:
    """What the mirror's REST shows of the directory, read as anybody would; the topics in the order of the ledger."""
    topic_id = await directory_of(rooms)
    async with aiohttp.ClientSession() as session:
        url = f"{rooms.terms.devnet.mirror_url}/api/v1/topics/{topic_id}"
        async with session.get(url) as answer:
            assert (await answer.json())["memo"] == "hcs-2:0:86400"
        async with session.get(f"{url}/messages?limit=100") as answer:
            rows = (await answer.json())["messages"]
    said = [json.loads(base64.b64decode(row["message"])) for row in rows]
    assert all((each["p"], each["op"]) == ("hcs-2", "register") for each in said)
    return [TopicId.parse(each["t_id"]) for each in said]


async def advanced(rooms: Rooms) -> None:
    assert await rooms.directory.advance() is None
