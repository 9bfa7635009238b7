"""A sealed campaign over the whole bridge: frames come through unopened, and only who was granted keys reads them."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp

from bridge.app import running
from bridge.commands.verify import audited
from bridge.keys.load import public_key_of
from bridge.relay.audit.source import Span
from tests.bridge.lost_day import rebuild
from tests.bridge.relay.audit.conftest import database_of
from tests.integration.key_holder import KeyHolder, frame_of, running_hash
from tests.integration.world import World, world

OWNER, FRIEND, STRANGER = "77", "88", "99"
DEADLINE_S = 30.0
ROTATION = 200


@asynccontextmanager
async def sealed_campaign(folder: Path) -> AsyncIterator[World]:
    async with world(folder, publish__linger_ms=0) as made, running(made.config):
        status, view = await made.post("/v1/campaigns", {"id": "1", "ownerId": OWNER, "relay": "sealed"})
        assert (status, view["relay"]) == (201, "sealed")
        yield made


def holder(made: World, user: str, **claims: Any) -> KeyHolder:
    return KeyHolder(made.http, made.token(user, **claims), "1", public_key_of(made.config.keys))


async def accept(made: World, message: str, **more: str) -> str:
    event = {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": {"message": message}, **more}
    status, answer = await made.post("/v1/events", event)
    assert status == 202
    event_id: str = answer["ids"][0]
    return event_id


async def confirmed(made: World, event_id: str) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            _, view = await made.get(f"/v1/events/{event_id}")
            if view["status"] == "confirmed":
                return dict(view)
            await asyncio.sleep(0.02)


async def channel(made: World, name: str = "campaign:1") -> list[dict[str, Any]]:
    _, answer = await made.get(f"/v1/channels/{name}/history?since=0")
    return list(answer["publications"])


def frame_in(publication: dict[str, Any]) -> bytes:
    return base64.b64decode(publication["data"]["data"]["payload"]["frame"])


def says(elements: list[Any] | None) -> list[str]:
    """The messages of the events among them; field 19 is `message`."""
    assert elements is not None
    return [element[5][19] for element in elements if isinstance(element, dict) and element[2] != ROTATION]


async def test_only_who_was_granted_keys_reads_it(tmp_path: Path) -> None:
    async with sealed_campaign(tmp_path) as made:
        event_id = await accept(made, "hello")
        view = await confirmed(made, event_id)
        [publication] = await channel(made)
        meta = publication["data"]["meta"]
        assert publication["offset"] == view["sequence"] * 1000
        assert (publication["data"]["event"], publication["data"]["encrypted"]) == ("SEALED_FRAME", True)
        assert (meta["sequence"], meta["first"], meta["topicId"]) == (view["sequence"], 2, view["topicId"])
        assert meta["consensusTimestamp"] == view["consensusTimestamp"]
        assert "hello" not in json.dumps(publication)
        owner, stranger = holder(made, OWNER), holder(made, STRANGER)
        assert await owner.fetch_keys() == 200
        assert says(owner.open(frame_in(publication))) == ["hello"]
        assert await stranger.fetch_keys() == 403
        assert stranger.open(frame_in(publication)) is None


async def test_nothing_provisional_and_nothing_in_plain_is_told(tmp_path: Path) -> None:
    async with sealed_campaign(tmp_path) as made:
        events = f"{made.http}/v1/channels/campaign:1/events"
        headers = {"Authorization": f"Bearer {made.token(OWNER)}"}
        async with aiohttp.ClientSession() as session, session.get(events, headers=headers) as stream:
            await stream.content.readuntil(b"\n\n")  # subscribed
            await confirmed(made, await accept(made, "hello"))
            told = (await asyncio.wait_for(stream.content.readuntil(b"\n\n"), DEADLINE_S)).decode()
        assert '"SEALED_FRAME"' in told
        assert '"phase":"confirmed"' in told


async def test_what_is_for_one_user_is_in_the_frame_for_that_user_alone(tmp_path: Path) -> None:
    async with sealed_campaign(tmp_path) as made:
        await confirmed(made, await accept(made, "yours", to=f"user:{FRIEND}"))
        assert await channel(made, f"user:{FRIEND}") == []
        [publication] = await channel(made)
        friend, owner = holder(made, FRIEND, campaigns=["1"]), holder(made, OWNER)
        assert [await each.fetch_keys() for each in (friend, owner)] == [200, 200]
        assert friend.open_own(FRIEND, frame_in(publication), 0)[5][19] == "yours"
        assert owner.open_own(FRIEND, frame_in(publication), 0) is None


async def test_who_was_revoked_reads_nothing_sealed_behind_the_rotation(tmp_path: Path) -> None:
    async with sealed_campaign(tmp_path) as made:
        owner, friend, late = holder(made, OWNER), holder(made, FRIEND), holder(made, STRANGER, campaigns=["1"])
        await confirmed(made, await accept(made, "before"))
        assert await friend.fetch_keys() == 403
        assert (await made.post("/v1/campaigns/1/grants", {"user": FRIEND}))[0] == 201
        assert await friend.fetch_keys() == 200
        assert await made.post("/v1/campaigns/1/revoke", {"user": FRIEND}) == (200, {"revoked": True})
        await confirmed(made, await accept(made, "with the rotation, or behind it"))
        await confirmed(made, await accept(made, "behind"))
        assert await friend.fetch_keys() == 403
        assert [await each.fetch_keys() for each in (owner, late)] == [200, 200]
        publications = await channel(made)
        assert says(friend.open(frame_in(publications[0]))) == ["before"]  # a key that was handed out opens for ever
        assert friend.open(frame_in(publications[-1])) is None
        assert late.open(frame_in(publications[0])) is None  # was entitled later
        assert says(late.open(frame_in(publications[-1]))) == ["behind"]
        opened = [text for each in publications for text in says(owner.open(frame_in(each)))]
        assert opened == ["before", "with the rotation, or behind it", "behind"]


async def test_the_proof_leads_to_what_consensus_has(tmp_path: Path) -> None:
    async with sealed_campaign(tmp_path) as made:
        views = [await confirmed(made, await accept(made, "x" * length)) for length in (10, 3000, 20)]
        owner = holder(made, OWNER)
        await owner.fetch_keys()
        status, proof = await owner.get("proof?from=1&to=1000")
        assert status == 200
        hashes, before = dict[int, bytes](), bytes(48)
        for row in proof["messages"]:
            before = hashes[row["sequence_number"]] = running_hash(before, row)
            assert base64.b64encode(before).decode() == row["running_hash"]
        assert [*hashes] == [*range(1, views[-1]["sequence"] + 1)]
        [topic] = made.devnet.network.state.topics.values()
        assert before == topic.position.running_hash
        assert proof["anchors"] == [{"sequence": len(hashes), "runningHash": base64.b64encode(before).decode()}]
        for publication in await channel(made):
            meta = publication["data"]["meta"]
            rows = proof["messages"][meta["first"] - 1 : meta["sequence"]]
            assert frame_of(rows) == frame_in(publication)
            assert base64.b64encode(hashes[meta["sequence"]]).decode() == meta["runningHash"]


async def test_an_audit_holds_the_frames_against_the_store(tmp_path: Path) -> None:
    async with sealed_campaign(tmp_path) as made:
        await confirmed(made, await accept(made, "one"))
        await made.post("/v1/campaigns/1/revoke", {"user": FRIEND})
        await confirmed(made, await accept(made, "two"))
        count = len(await channel(made))
        verdict = await audited(made.config, "1", pin=None, span=Span())
        assert verdict.fault is None
        assert verdict.counts.publications == count
        with closing(sqlite3.connect(database_of(made))) as connection, connection:
            connection.execute("UPDATE publications SET event_id = ? WHERE sequence = 2", (b"x" * 16,))
        verdict = await audited(made.config, "1", pin=None, span=Span())
        assert verdict.fault is not None
        assert verdict.fault.sequence == 2


async def test_a_store_made_anew_has_the_same_frames(tmp_path: Path) -> None:
    """By the mode that is configured: the ledger doesn't tell which campaigns are sealed."""
    async with world(tmp_path, publish__linger_ms=0, relay__mode="sealed") as made:
        async with running(made.config):
            for message in ("one", "x" * 2000):
                await confirmed(made, await accept(made, message))
            before = await channel(made)
        database = database_of(made)
        shutil.copy(database, tmp_path / "backup.db")  # for its keys alone
        for path in database.parent.glob(f"{database.name}*"):
            path.unlink()
        tally = await rebuild(made)
        assert (tally.publications, tally.skipped) == (len(before), 0)
        async with running(made.config):
            assert await channel(made) == before
            await confirmed(made, await accept(made, "three"))
            assert len(await channel(made)) == len(before) + 1
