"""What the doors answer from the database: refusals that name the field, and what is still open or was rejected."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.doors import Announcer, Backend, ChannelHistory
from bridge.errors import CampaignRefused, ChangeRefused
from bridge.fanout import only_here
from bridge.gateway.hub import Frame, Hub
from bridge.protocol.values import JSON
from bridge.publish import outbox
from bridge.remotes import connected
from bridge.rooms import outbound
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from tests.integration.world import until, world

CLOSED: JSON = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": "over"}}


class Listener:
    """A subscriber that keeps what it gets."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def deliver(self, frame: Frame) -> None:
        self.heard.append(frame.payload)

    deliver_last = deliver

    def overflow(self) -> None:
        raise AssertionError("too much")


@dataclass
class Behind:
    """What stands behind the doors; nothing is submitted here."""

    storage: Storage
    hub: Hub
    backend: Backend
    history: ChannelHistory
    announcer: Announcer

    async def accept(self, *changes: JSON) -> list[str]:
        return await self.backend.accept(changes, api_key="test", idempotency=None)

    async def park(self, event_id: str, reason: str) -> None:
        wanted = uuid.UUID(event_id).bytes
        waiting = await self.storage.database.read(lambda c: outbox.waiting(c, "1", limit=10))
        parked = [entry for entry in waiting if entry.event_id == wanted]
        await self.storage.database.write(lambda c: outbox.park(c, [entry.id for entry in parked], reason))
        await self.announcer.reject(parked, reason)


@pytest_asyncio.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    async with (
        world(tmp_path) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
        supervised({"database": storage.database.run}),
    ):
        hub = Hub(later=lambda flush: flush())
        announcer = Announcer(storage, only_here(hub))
        rooms = outbound(storage, remotes, reject=announcer.reject)
        yield Behind(
            storage,
            hub,
            Backend(storage, rooms, only_here(hub), rooms.submitter.wake),
            ChannelHistory(storage),
            announcer,
        )


@pytest.mark.parametrize(
    ("campaign", "owner", "field"), [("_account", "77", "id"), ("1", "", "ownerId"), ("a b", "7", "id")]
)
async def test_an_id_that_cannot_be_one_is_named(behind: Behind, campaign: str, owner: str, field: str) -> None:
    with pytest.raises(ChangeRefused) as refused:
        await behind.backend.create_campaign(campaign, owner, api_key="test")
    assert [problem.field for problem in refused.value.problems] == [field]
    assert await behind.backend.campaign(campaign) is None


async def test_an_event_is_told_by_its_id(behind: Behind) -> None:
    [event_id] = await behind.accept(CLOSED)
    view = await behind.backend.event(event_id)
    assert view is not None
    assert (view.status, view.channel) == ("accepted", "campaign:1")
    assert await behind.backend.event(str(uuid.uuid4())) is None
    assert await behind.backend.event("no id") is None


async def test_subscribers_learn_what_is_open_and_what_was_rejected(behind: Behind) -> None:
    listener = Listener()
    behind.hub.subscribe("campaign:1", listener)
    behind.hub.go_live("campaign:1", listener, after=0)
    open_id, bad_id = await behind.accept(CLOSED, CLOSED)
    await behind.park(bad_id, "the network refused it")
    said = b"".join(listener.heard)
    assert said.count(b'"phase":"provisional"') == 2
    assert said.count(b'"phase":"rejected"') == 1
    assert b"the network refused it" in said
    assert await behind.history.open_ids("campaign:1") == {
        "open": [open_id],
        "rejected": [{"id": bad_id, "reason": "the network refused it"}],
    }
    parked: Any = await behind.backend.event(bad_id)
    assert (parked.status, parked.reason) == ("parked", "the network refused it")


async def test_a_channel_that_never_had_anything_begins_at_0(behind: Behind) -> None:
    assert (await behind.history.top("campaign:9")).offset == 0
    user = await behind.history.top("user:9")
    assert user.offset == 0
    assert user.epoch
    assert await behind.history.read("user:9", since=0, limit=10) == []


async def test_the_owner_is_found(behind: Behind) -> None:
    await behind.backend.create_campaign("1", "77", api_key="test")
    assert await behind.history.owner_of("1") == "77"
    assert await behind.history.owner_of("2") is None


async def test_what_a_budget_stops_is_said_and_kept(tmp_path: Path) -> None:
    async with (
        world(tmp_path, budgets__campaign_hbar=0.001) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
    ):
        hub = Hub(later=lambda flush: flush())
        rooms = outbound(storage, remotes, reject=Announcer(storage, only_here(hub)).reject)
        backend = Backend(storage, rooms, only_here(hub), rooms.submitter.wake)
        await rooms.rates.now()
        async with supervised({"database": storage.database.run, "submitter": rooms.submitter.run}):
            [event_id] = await backend.accept([CLOSED], api_key="test", idempotency=None)
            await until(lambda: rooms.submitter.stopped("1") is not None)
            view, event = await backend.campaign("1"), await backend.event(event_id)
    assert view is not None
    assert str(view.as_json()["stopped"]).startswith("budget of campaign 1: 0 of 0.001 HBAR")
    assert event is not None
    assert (event.status, event.cost) == ("accepted", None)


async def test_of_a_sealed_campaign_nothing_is_told_in_plain(behind: Behind) -> None:
    view = await behind.backend.create_campaign("1", "77", sealed=True, api_key="test")
    assert view.relay == "sealed"
    listener = Listener()
    for channel in ("campaign:1", "user:88"):
        behind.hub.subscribe(channel, listener)
        behind.hub.go_live(channel, listener, after=0)
    own: JSON = {"event": "CAMPAIGN_CLOSED", "to": "user:88", "payload": {"campaignId": "1"}}
    first, _ = await behind.accept(CLOSED, own)
    await behind.park(first, "refused")
    assert listener.heard == []


async def test_a_campaigns_mode_stays(behind: Behind) -> None:
    await behind.backend.create_campaign("1", "77", api_key="test")
    with pytest.raises(CampaignRefused, match="another relay mode") as refused:
        await behind.backend.create_campaign("1", "77", sealed=True, api_key="test")
    assert refused.value.status == 409
    again = await behind.backend.create_campaign("1", "77", sealed=False, api_key="test")
    assert again.relay == "plain"
