"""The door's inside: all of a request or nothing of it, on disk before the yes."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy import insert, select, update
from structlog.testing import capture_logs

from bridge.errors import CampaignRefused, IdempotencyConflict
from bridge.protocol.channels import ACCOUNT
from bridge.publish import outbox
from bridge.publish.ingest import Accepted, Request
from bridge.publish.outbox import EntryState
from bridge.schema import entries, registry, topics
from tests.footing import Terms
from tests.rooms import Rooms, change, rooms_on
from topics.registry import TopicState

BODY = ("key", b"h" * 32)


async def stored(rooms: Rooms) -> list[tuple[str, str]]:
    return await rooms.database.read(lambda c: [tuple(r) for r in c.execute(select(entries.c.ref, entries.c.channel))])


async def close(rooms: Rooms, ref: str) -> None:
    await rooms.database.write(lambda c: c.execute(update(topics).where(topics.c.ref == ref).values(state="closed")))


@pytest.mark.sqlite
async def test_accepted_is_on_disk_in_order_and_sealed(rooms: Rooms, terms: Terms) -> None:
    accepted = await rooms.ingest.accept([change(note="a planted canary"), change(), change("c2")], Request("k"))
    with sqlite3.connect(terms.path) as other:
        rows = other.execute("select event_id, ref, state, api_key from entries order by id").fetchall()
    other.close()
    assert rows == [(accepted.ids[0], "c1", "waiting", "k"), (accepted.ids[1], "c1", "waiting", "k"),
                    (accepted.ids[2], "c2", "waiting", "k")]  # fmt: skip
    on_disk = b"".join(path.read_bytes() for path in terms.path.parent.iterdir())
    assert b"canary" not in on_disk
    assert b"campaign:c1" in on_disk


async def test_events_go_to_their_user_or_to_everyone_on_the_campaign(rooms: Rooms) -> None:
    accepted = await rooms.ingest.accept([change(), change(user_id="77"), change(None, user_id="77")], Request("k"))
    assert await stored(rooms) == [("c1", "campaign:c1"), ("c1", "user:77"), (ACCOUNT, "user:77")]
    assert [arrival.channel for arrival in accepted.arrivals] == ["campaign:c1", "user:77", "user:77"]


async def test_the_time_is_the_backends_or_that_of_acceptance(rooms: Rooms, terms: Terms) -> None:
    dated = change()
    dated = type(dated)(dated.event, dated.data_type, dated.payload, "c1", None, 1_700_000_000_123)
    accepted = await rooms.ingest.accept([dated, change()], Request("k"))
    times = [arrival.event.time_ms for arrival in accepted.arrivals]
    assert times[0] == 1_700_000_000_123
    assert abs(times[1] - terms.clock.ms()) < 60_000


async def test_without_create_on_demand_nothing_of_the_request_is_kept(terms: Terms) -> None:
    async with rooms_on(terms, on_demand=False) as rooms:
        await rooms.ingest.register("c1", None)
        with pytest.raises(CampaignRefused, match="c2 is not registered") as caught:
            await rooms.ingest.accept([change(), change("c2")], Request("k", BODY))
        assert caught.value.status == 404
        assert "/v1/campaigns" in caught.value.hint
        assert await stored(rooms) == []
        assert await rooms.database.read(lambda c: registry.find(c, "c2")) is None
        await rooms.ingest.accept([change(), change(None, user_id="7")], Request("k", BODY))
        assert [ref for ref, _ in await stored(rooms)] == ["c1", ACCOUNT]


async def test_a_refused_request_takes_no_neighbour_along(terms: Terms) -> None:
    async with rooms_on(terms, on_demand=False) as rooms:
        await rooms.ingest.register("c1", None)
        good = [rooms.ingest.accept([change()], Request("k")) for _ in range(5)]
        bad = [rooms.ingest.accept([change("c2")], Request("k")) for _ in range(5)]
        outcomes = await asyncio.gather(
            *(each for pair in zip(good, bad, strict=True) for each in pair), return_exceptions=True
        )
        assert [isinstance(outcome, CampaignRefused) for outcome in outcomes] == [False, True] * 5
        assert len(await stored(rooms)) == 5


async def test_a_closed_campaign_takes_nothing_more(rooms: Rooms) -> None:
    await rooms.ingest.register("c1", None)
    await close(rooms, "c1")
    with pytest.raises(CampaignRefused, match="is closed") as caught:
        await rooms.ingest.accept([change("c2"), change(), change("c2"), change()], Request("k"))
    assert caught.value.status == 409
    assert [(each.index, each.field, each.rule) for each in caught.value.problems] == [
        (1, "campaignId", "campaign c1 is closed"), (3, "campaignId", "campaign c1 is closed"),
    ]  # fmt: skip
    assert await stored(rooms) == []


async def test_the_same_request_twice_is_accepted_once(rooms: Rooms) -> None:
    first = await rooms.ingest.accept([change(), change()], Request("k", BODY))
    again = await rooms.ingest.accept([change(), change()], Request("k", BODY))
    assert again.ids == first.ids
    assert (len(first.arrivals), again.arrivals) == (2, ())
    assert len(await stored(rooms)) == 2


async def test_the_same_request_twice_at_once_is_accepted_once(rooms: Rooms) -> None:
    accepted = await asyncio.gather(*(rooms.ingest.accept([change()], Request("k", BODY)) for _ in range(10)))
    assert len({each.ids for each in accepted}) == 1
    assert sum(len(each.arrivals) for each in accepted) == 1
    assert len(await stored(rooms)) == 1


async def test_requests_that_share_a_commit_keep_the_order_in_which_they_came(rooms: Rooms) -> None:
    requests = [[change(f"c{number % 3}", user_id=str(number)), change(f"c{number % 3}")] for number in range(20)]
    accepted = await asyncio.gather(
        *(rooms.ingest.accept(changes, Request(f"key {number}")) for number, changes in enumerate(requests))
    )
    found = select(entries.c.event_id, entries.c.api_key).order_by(entries.c.id)
    kept = await rooms.database.read(lambda c: [tuple(row) for row in c.execute(found)])
    assert kept == [(id_, f"key {number}") for number, each in enumerate(accepted) for id_ in each.ids]
    users = await rooms.database.read(lambda c: [rooms.ring.current(c, f"user:{number}") for number in range(20)])
    assert None not in users


async def test_a_key_that_a_refused_request_bore_is_free_for_the_next(terms: Terms) -> None:
    async with rooms_on(terms, on_demand=False) as rooms:
        await rooms.ingest.register("c1", None)
        refused, accepted = await asyncio.gather(
            rooms.ingest.accept([change("c2")], Request("k", ("key", b"i" * 32))),
            rooms.ingest.accept([change()], Request("k", BODY)),
            return_exceptions=True,
        )
        assert isinstance(refused, CampaignRefused)
        assert isinstance(accepted, Accepted)
        assert len(await stored(rooms)) == 1


async def test_another_body_under_the_same_key_is_a_conflict(rooms: Rooms) -> None:
    await rooms.ingest.accept([change()], Request("k", BODY))
    with pytest.raises(IdempotencyConflict):
        await rooms.ingest.accept([change()], Request("k", ("key", b"i" * 32)))
    assert len(await stored(rooms)) == 1


async def test_a_campaign_is_registered_once_with_one_owner(rooms: Rooms) -> None:
    first = await rooms.ingest.register("c1", None)
    assert (first.state, first.owner, first.topic_id) == (TopicState.INTENDED, None, None)
    assert (await rooms.ingest.register("c1", "7")).owner == "7"
    assert (await rooms.ingest.register("c1", None)).owner == "7"
    assert (await rooms.ingest.register("c1", "7")).owner == "7"
    with pytest.raises(CampaignRefused, match="another owner") as caught:
        await rooms.ingest.register("c1", "8")
    assert caught.value.status == 409
    found = await rooms.database.read(lambda c: registry.find(c, "c1"))
    assert found is not None
    assert found.owner == "7"


async def test_an_odd_transition_passes_with_a_warning(rooms: Rooms) -> None:
    odd = change(oldStatus="CampaignRunning", newStatus="ApprovalPending")
    with capture_logs() as logs:
        accepted = await rooms.ingest.accept([odd], Request("k", BODY))
        await rooms.ingest.accept([odd], Request("k", BODY))
    assert [log["event"] for log in logs] == ["unexpected status transition"]
    assert await rooms.state(accepted.ids[0]) is EntryState.WAITING


async def test_a_broken_constraint_is_nobodys_yes(rooms: Rooms) -> None:
    """What the database refuses for another reason than being away reaches the caller as it is."""
    accepted = await rooms.ingest.accept([change()], Request("k"))
    again = {"event_id": accepted.ids[0], "ref": "c1", "channel": "x", "kind": "event", "body": b"", "size": 1,
             "api_key": "k", "accepted_ms": 1, "state": "waiting"}  # fmt: skip
    with pytest.raises(Exception, match=r"(?i)unique"):
        await rooms.database.write(lambda c: c.execute(insert(entries), again))
    assert await rooms.database.read(lambda c: len(outbox.waiting(c, "c1", limit=10))) == 1
