"""An operator's desk: what is done there is on disk, the audience is told, and the submitter is woken."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.desk.outbox import MAX_TOLD, Desk, Waits
from bridge.doors import Announcer, Backend, ChannelHistory
from bridge.errors import CampaignRefused, ChangeRefused, EntryRefused
from bridge.fanout import only_here
from bridge.gateway.hub import Frame, Hub
from bridge.protocol.values import JSON
from bridge.publish import outbox
from bridge.remotes import connected
from bridge.rooms import outbound
from bridge.storage import Storage, opened
from bridge.supervise import supervised
from tests.integration.world import world
from topics.values import AccountId

CLOSED: JSON = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": "over"}}


@dataclass
class Behind:
    """A desk with its doors; nothing is submitted here. `heard` is what a subscriber of campaign 1 got."""

    storage: Storage
    backend: Backend
    announcer: Announcer
    desk: Desk
    woken: list[str]
    heard: list[dict[str, Any]] = field(default_factory=list)

    def deliver(self, frame: Frame) -> None:
        self.heard.append(json.loads(frame.payload)["push"]["pub"])

    deliver_last = deliver

    def overflow(self) -> None:
        raise AssertionError("too much")

    __hash__ = object.__hash__

    def phases(self, event_id: str) -> list[str]:
        return [pub["data"]["meta"]["phase"] for pub in self.heard if pub["data"]["meta"]["id"] == event_id]

    async def accept(self, *changes: JSON) -> list[str]:
        return await self.backend.accept(changes, api_key="test", idempotency=None)

    async def park(self, *event_ids: str) -> None:
        wanted = {uuid.UUID(event_id).bytes for event_id in event_ids}
        waiting = await self.storage.database.read(lambda c: outbox.waiting(c, "1", limit=100, max_bytes=100_000))
        parked = [entry for entry in waiting if entry.event_id in wanted]
        await self.storage.database.write(lambda c: outbox.park(c, [entry.id for entry in parked], "refused"))
        await self.announcer.reject(parked, "refused")

    async def status(self, event_id: str) -> str:
        view = await self.backend.event(event_id)
        assert view is not None
        return view.status


@pytest_asyncio.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    async with (
        world(tmp_path, events__max_batch=3) as made,
        opened(made.config, alone=True) as storage,
        connected(made.config, last_valid_start_ns=0) as remotes,
        supervised({"database": storage.database.run}),
    ):
        hub, woken = Hub(later=lambda flush: flush()), list[str]()
        fanout = only_here(hub)
        announcer = Announcer(storage, fanout)
        rooms = outbound(storage, remotes, reject=announcer.reject)

        def wake(refs: Iterable[str]) -> None:
            woken.extend(refs)

        made_behind = Behind(
            storage,
            Backend(storage, rooms, fanout, rooms.submitter.wake),
            announcer,
            Desk(storage, announcer, wake=wake),
            woken,
        )
        hub.subscribe("campaign:1", made_behind)
        hub.go_live("campaign:1", made_behind, after=0)
        yield made_behind


async def test_a_retried_event_is_provisional_again_and_the_submitter_is_woken(behind: Behind) -> None:
    one, other = await behind.accept(CLOSED, CLOSED)
    await behind.park(one, other)
    assert await behind.desk.retry([one], by="ops") == 1
    assert behind.phases(one) == ["provisional", "rejected", "provisional"]
    assert all("offset" not in pub for pub in behind.heard)
    assert await ChannelHistory(behind.storage).open_ids("campaign:1") == {
        "open": [one],
        "rejected": [{"id": other, "reason": "refused"}],
    }
    assert behind.woken == ["1"]


async def test_a_campaign_is_retried_whole_however_much_it_is(behind: Behind) -> None:
    ids = [id_ for _ in range(4) for id_ in await behind.accept(CLOSED, CLOSED)]
    await behind.park(*ids)
    assert await behind.desk.retry_campaign("1", by="ops") == 8
    assert {await behind.status(id_) for id_ in ids} == {"accepted"}
    behind.woken.clear()
    assert await behind.desk.retry_campaign("1", by="ops") == 0
    assert behind.woken == ["1"]  # what is under way may be stuck half-way


async def test_who_was_told_provisional_is_told_that_it_was_given_up(behind: Behind) -> None:
    waiting, parked = await behind.accept(CLOSED, CLOSED)
    await behind.park(parked)
    assert await behind.desk.drop([waiting, parked], by="ops", reason="a mistake") == 2
    assert behind.phases(waiting) == behind.phases(parked) == ["provisional", "rejected"]
    reasons = [pub["data"]["meta"].get("reason") for pub in behind.heard]
    assert "given up by an operator: a mistake" in reasons
    assert "ops" not in json.dumps(behind.heard)
    view = await behind.backend.event(waiting)
    assert view is not None
    assert (view.status, view.reason) == ("dropped", "given up by an operator: a mistake")


async def test_what_cannot_be_is_refused(behind: Behind) -> None:
    [one] = await behind.accept(CLOSED)
    with pytest.raises(EntryRefused, match="is waiting, and only a parked one"):
        await behind.desk.retry([one], by="ops")
    for unknown in ("no id", str(uuid.uuid4())):
        with pytest.raises(EntryRefused, match=f"event .?{unknown}.? is not known"):  # which of several
            await behind.desk.drop([one, unknown], by="ops")
    with pytest.raises(ChangeRefused, match="at most 3") as refused:
        await behind.desk.drop([one] * 4, by="ops")
    assert refused.value.status == 413
    assert behind.phases(one) == ["provisional"]


async def test_a_close_wakes_the_submitter_and_is_no_news_to_subscribers(behind: Behind) -> None:
    [one] = await behind.accept(CLOSED)
    await behind.desk.close("1", by="ops")
    await behind.desk.close("1", by="ops")
    view = await behind.backend.campaign("1")
    assert view is not None
    assert view.status == "closing"
    with pytest.raises(CampaignRefused, match="is closing"):
        await behind.accept(CLOSED)
    assert behind.woken == ["1", "1"]
    waiting = await behind.storage.database.read(lambda c: outbox.waiting(c, "1", limit=9, max_bytes=100_000))
    await behind.announcer.reject(waiting, "together with the frame")  # the final message among them
    assert [pub["data"]["meta"]["id"] for pub in behind.heard] == [one, one]
    with pytest.raises(CampaignRefused, match="not registered"):
        await behind.desk.close("2", by="ops")


async def test_why_nothing_leaves_is_told_of_so_many_campaigns(behind: Behind) -> None:
    assert behind.desk.waits() == {"nodes": None, "stopped": 0, "campaigns": {}}  # no submitter goes here
    failures = {AccountId(0, 0, 3): 2, AccountId(0, 0, 4): 0}
    many = {f"c{number}": "a budget" for number in range(MAX_TOLD + 1)}
    desk = Desk(behind.storage, behind.announcer, wake=behind.woken.extend, waits=Waits(many, lambda: failures))
    told = desk.waits()
    assert (told["nodes"], told["stopped"]) == (None, MAX_TOLD + 1)
    assert told["campaigns"] == dict(list(many.items())[:MAX_TOLD])
    failures[AccountId(0, 0, 4)] = 1
    assert desk.waits()["nodes"] == "none of the 2 nodes answers"
