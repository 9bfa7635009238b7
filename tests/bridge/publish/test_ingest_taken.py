"""Changes that come with an id of their own are taken once each, and one that is refused keeps no other out."""

from __future__ import annotations

import os

from sqlalchemy import func, select

from bridge.errors import CampaignRefused
from bridge.protocol.channels import ACCOUNT
from bridge.protocol.wire.events import uuid7
from bridge.publish.arrivals import Given
from bridge.publish.ingest import Accepted, Request
from bridge.schema import entries, registry
from tests.bridge.publish.test_ingest import close, stored
from tests.footing import Terms
from tests.rooms import Rooms, change, rooms_on


def given(campaign: str | None = "c1", owner: str | None = None, *, user_id: str | None = None) -> Given:
    return Given(change(campaign, user_id=user_id), uuid7(1, os.urandom(10)), owner)


async def owner_of(rooms: Rooms, ref: str) -> str | None:
    found = await rooms.database.read(lambda c: registry.find(c, ref))
    assert found is not None
    return found.owner


async def test_what_was_taken_before_is_not_stored_again(rooms: Rooms) -> None:
    first, second, third = given(), given(), given()
    await rooms.ingest.take([first, second], "shop")
    outcomes = await rooms.ingest.take([second, third, third], "shop")
    assert [isinstance(each, Accepted) and each.ids for each in outcomes] == [
        (second.event_id,), (third.event_id,), (third.event_id,),
    ]  # fmt: skip
    assert isinstance(outcomes[0], Accepted)
    assert outcomes[0].arrivals == ()
    ids = await rooms.database.read(
        lambda c: list(c.execute(select(entries.c.event_id).order_by(entries.c.id)).scalars())
    )
    assert ids == [first.event_id, second.event_id, third.event_id]


async def test_what_came_in_by_another_door_is_known_too(rooms: Rooms) -> None:
    accepted = await rooms.ingest.accept([change()], Request("k"))
    [outcome] = await rooms.ingest.take([Given(change(), accepted.ids[0])], "shop")
    assert outcome == Accepted(accepted.ids, ())
    assert await rooms.database.read(lambda c: c.execute(select(func.count()).select_from(entries)).scalar_one()) == 1


async def test_one_for_a_closed_campaign_is_refused_alone(rooms: Rooms) -> None:
    await rooms.ingest.register("c2", None)
    await close(rooms, "c2")
    outcomes = await rooms.ingest.take([given("c1"), given("c2", "77"), given("c3")], "shop")
    assert isinstance(outcomes[1], CampaignRefused)
    assert "is closed" in str(outcomes[1])
    assert [ref for ref, _ in await stored(rooms)] == ["c1", "c3"]


async def test_an_owner_makes_a_campaign_known_where_nothing_else_does(terms: Terms) -> None:
    async with rooms_on(terms, on_demand=False) as rooms:
        outcomes = await rooms.ingest.take([given("c1"), given("c2", "77"), given("c2")], "shop")
        assert isinstance(outcomes[0], CampaignRefused)
        assert [ref for ref, _ in await stored(rooms)] == ["c2", "c2"]
        assert await owner_of(rooms, "c2") == "77"
        assert await rooms.database.read(lambda c: registry.find(c, "c1")) is None


async def test_an_owner_is_filled_in_and_never_changed(rooms: Rooms) -> None:
    await rooms.ingest.take([given("c1")], "shop")
    assert await owner_of(rooms, "c1") is None
    await rooms.ingest.take([given("c1", "77")], "shop")
    await rooms.ingest.take([given("c1", "88")], "shop")
    assert await owner_of(rooms, "c1") == "77"
    assert len(await stored(rooms)) == 3


async def test_what_belongs_to_no_campaign_has_no_owner_to_register(rooms: Rooms) -> None:
    await rooms.ingest.take([given(None, "77", user_id="77")], "shop")
    assert await stored(rooms) == [(ACCOUNT, "user:77")]
    assert await owner_of(rooms, ACCOUNT) is None
