"""The corridors as they are built from a configuration: joined, they bring a change from the door to the hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

from bridge.doors import Backend
from bridge.fanout import only_here
from bridge.gateway.hub import Hub
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.values import JSON
from bridge.publish import outbox
from bridge.publish.ingest import Request
from bridge.publish.outbox import Entry, EntryState
from bridge.relay.store import News
from bridge.remotes import connected
from bridge.rooms import direct_reading, inbound, outbound, topic_rules
from bridge.storage import opened
from bridge.supervise import Loop, supervised
from tests.integration.world import world
from topics.mirror.answers import Page
from topics.mirror.sweep import Sweep
from topics.values import TopicId


async def nobody(_entries: Sequence[Entry], _reason: str) -> None:
    raise AssertionError("nothing is refused here")


def put(queue: asyncio.Queue[News], found: Sequence[News]) -> None:
    for item in found:
        queue.put_nowait(item)


async def known_cost(backend: Backend, event_id: str) -> Mapping[str, str]:
    while True:
        view = await backend.event(event_id)
        if view is not None and view.cost is not None:
            return view.cost
        await asyncio.sleep(0.01)


async def test_a_change_comes_out_of_the_other_corridor_and_the_outbox_knows(tmp_path: Path) -> None:
    news: asyncio.Queue[News] = asyncio.Queue()
    change: JSON = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1"}}
    async with (
        world(tmp_path) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
    ):
        out = outbound(storage, remotes, reject=nobody)
        pages: list[Page] = []
        back = inbound(
            storage, remotes.mirror, publish=partial(put, news), book=out.bookkeeper.book, sample=pages.append
        )
        sweep = Sweep(remotes.mirror, made.devnet.operator_id, cursor_ns=time.time_ns() - 60_000_000_000)
        loops: dict[str, Loop] = {
            "database": storage.database.run,
            "submitter": out.submitter.run,
            "relay": partial(back.run, sweep, poll_interval_s=0.02),
        }
        async with supervised(loops):
            [arrival] = validate_changes(change, catalogue=storage.catalogue, limits=Limits())
            accepted = await out.ingest.accept([arrival], Request("test"))
            out.submitter.wake(["1"])
            item = await asyncio.wait_for(news.get(), 20)
            status = await storage.database.read(lambda c: outbox.status(c, accepted.ids[0]))
            backend, event_id = (
                Backend(storage, out, only_here(Hub()), out.submitter.wake),
                str(UUID(bytes=accepted.ids[0])),
            )
            cost = await asyncio.wait_for(known_cost(backend, event_id), 20)
    assert item.channel == "campaign:1"
    assert {page.source for page in pages} == {made.devnet.mirror_url}
    assert status is not None
    assert (status.state, status.sequence) == (EntryState.CONFIRMED, 2)
    assert item.publication.offset == 2000
    assert set(cost) == {"tinybar", "usd", "usdPerHbar"}
    assert cost["usdPerHbar"] == "0.12"


async def test_our_own_key_is_the_one_that_is_believed(tmp_path: Path) -> None:
    async with world(tmp_path) as made, opened(made.config, alone=True) as storage:
        rules = topic_rules(storage, TopicId(0, 0, 7))
        assert (rules.network, rules.public_key) == ("devnet", storage.keys.public)
        async with connected(made.config, last_valid_start_ns=0) as remotes:
            assert direct_reading(storage, remotes.mirror).rules(TopicId(0, 0, 7)) == rules
