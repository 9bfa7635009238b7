"""Raw messages of real topics: as far as they are verified, and with the receipt that pins them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.app import running
from bridge.desk.proofs import Proofs
from bridge.errors import Unavailable
from bridge.relay import progress
from bridge.relay.tail import Progress
from bridge.schema import registry
from bridge.storage import opened
from bridge.supervise import supervised
from tests.integration.world import World, world
from topics.devnet.faults import Fault
from topics.mirror.rest import Mirror
from topics.mirror.settings import MirrorSettings
from topics.values import TopicId

QUICK = MirrorSettings(max_attempts=1, backoff_initial_s=0.01)


async def filled(made: World) -> TopicId:
    """A topic with a manifest and a frame of several messages, all verified; nobody runs any more."""
    async with running(made.config):
        event = {"event": "CAMPAIGN_CLOSED", "campaignId": "1", "payload": {"message": "x" * 2000}}
        await made.post("/v1/events", event)
        async with asyncio.timeout(20):
            while True:
                _, view = await made.get("/v1/campaigns/1")
                if (view["sequence"] or 0) >= 4:
                    return TopicId.parse(view["topicId"])
                await asyncio.sleep(0.02)


async def test_no_more_than_the_relay_has_verified(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        topic_id = await filled(made)
        mirror = Mirror(made.devnet.mirror_url, QUICK)
        async with opened(made.config, alone=True) as storage, supervised({"database": storage.database.run}):
            proofs = Proofs(storage, mirror)
            last = made.devnet.network.state.topics[topic_id].position
            proof = await proofs.read("1", 1, 1000)
            assert proof is not None
            assert [message.sequence for message in proof.messages] == [*range(1, last.sequence + 1)]
            assert proof.messages[-1].running_hash == last.running_hash
            assert dict(proof.anchors) == {last.sequence: last.running_hash}
            early = await proofs.read("1", 1, 1)
            assert early is not None
            assert dict(early.anchors) == {1: proof.messages[0].running_hash}

            await storage.database.write(lambda c: progress.keep(c, {topic_id: Progress(opened_sequence=1)}))
            proof = await proofs.read("1", 1, 1000)
            assert proof is not None
            assert [message.sequence for message in proof.messages] == [1]
            beyond = await proofs.read("1", 2, 1000)
            assert beyond is not None
            assert (beyond.messages, beyond.anchors) == ((), {})
        await mirror.close()


async def test_what_has_no_topic_has_no_proof(tmp_path: Path) -> None:
    async with world(tmp_path) as made, opened(made.config, alone=True) as storage:
        mirror = Mirror(made.devnet.mirror_url, QUICK)
        async with supervised({"database": storage.database.run}):
            await storage.database.write(lambda c: registry.intend(c, "1", owner=None, now_ms=1))
            proofs = Proofs(storage, mirror)
            assert await proofs.read("1", 1, 10) is None
            assert await proofs.read("2", 1, 10) is None
        await mirror.close()


async def test_a_mirror_that_is_away_is_not_named(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        await filled(made)
        made.devnet.faults.inject(Fault.MIRROR_UNREACHABLE)
        mirror = Mirror(made.devnet.mirror_url, QUICK)
        async with opened(made.config, alone=True) as storage:
            with pytest.raises(Unavailable, match="the mirror is unavailable: it does not answer just now") as away:
                await Proofs(storage, mirror).read("1", 1, 10)
        assert made.devnet.mirror_url not in str(away.value)
        await mirror.close()
