"""The public Python client (PyPI centrifuge-python), unchanged, against a running gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from centrifuge import StreamPosition

from tests.bridge.gateway.gateway_fixture import OWNER, STRANGER, until
from tests.integration.python_client import client, fetching, follow, refused, token
from tests.integration.stage import Stage, staged

CAMPAIGN = "campaign:1"
EMPTY: tuple[Any, Any] = ({}, b"{}")
NOTHING_OPEN: dict[str, list[str]] = {"open": [], "rejected": []}


@pytest.fixture(params=["json", "protobuf"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with staged() as made:
        made.protobuf = request.param == "protobuf"
        yield made


async def test_it_recovers_what_it_missed(stage: Stage) -> None:
    made, _ = client(stage, token=token(stage))
    await made.connect()
    _, events = await follow(made, CAMPAIGN)
    await until(lambda: events.seen)
    stage.do("confirm", CAMPAIGN, 1000, 1)
    stage.do("provisional", CAMPAIGN, 2)
    await until(lambda: len(events.got) == 2)
    stage.do("cut")
    stage.do("confirm", CAMPAIGN, 2000, 2)
    stage.do("mend")
    await until(lambda: len(events.got) == 3)
    stage.do("confirm", CAMPAIGN, 3000, 3)
    await until(lambda: len(events.got) == 4)
    stage.do("new epoch")
    stage.do("cut")
    stage.do("mend")
    await until(lambda: len(events.seen) == 3)
    await made.disconnect()
    assert events.got == [(1000, 1), (0, 2), (2000, 2), (3000, 3)]
    assert events.seen == [(False, False, NOTHING_OPEN), (True, True, NOTHING_OPEN), (True, False, NOTHING_OPEN)]


async def test_history_and_refusals(stage: Stage) -> None:
    for offset in (1000, 2000, 3000):
        stage.do("confirm", CAMPAIGN, offset, offset // 1000)
    made, _ = client(stage, token=token(stage))
    await made.connect()
    own, events = await follow(made, CAMPAIGN)
    _, foreign = await follow(made, "user:88")
    _, unknown = await follow(made, "weather:today")
    await until(lambda: events.seen and foreign.seen and unknown.seen)
    assert (foreign.seen, unknown.seen) == ([103], [102])
    top = await own.history()
    assert (top.offset, top.publications) == (3000, [])
    page = await own.history(limit=9, since=StreamPosition(offset=1000, epoch=top.epoch))
    assert [publication.offset for publication in page.publications] == [2000, 3000]
    assert await refused(own.history(limit=1, since=StreamPosition(offset=1000, epoch="elsewhere"))) == 112
    for call, code in [
        (own.publish(EMPTY[stage.protobuf]), 103),
        (made.rpc("x", EMPTY[stage.protobuf]), 104),
        (made.presence("user:88"), 103),
    ]:
        assert await refused(call) == code
    await own.unsubscribe()
    await until(lambda: stage.gateway.hub.subscribers(CAMPAIGN) == 0)
    stage.do("confirm", CAMPAIGN, 4000, 4)
    assert events.got == []
    await made.disconnect()


async def test_a_position_of_its_own(stage: Stage) -> None:
    for n in (1, 2, 3):
        stage.do("confirm", f"user:{OWNER}", n, n)
    kept = [StreamPosition(offset=1, epoch="elsewhere"), StreamPosition(offset=1, epoch="")]

    async def state(_: str) -> StreamPosition:
        return kept.pop(0)

    made, _ = client(stage, token=token(stage))
    await made.connect()
    _, events = await follow(made, f"user:{OWNER}", get_state=state)
    await until(lambda: len(events.got) == 2)
    assert (events.got, kept) == ([(2, 2), (3, 3)], [])  # error 112 in between
    await made.disconnect()


async def test_presence(stage: Stage) -> None:
    one, _ = client(stage, token=token(stage))
    two, _ = client(stage, token=token(stage, user=STRANGER, campaigns=["1"]))
    for each in (one, two):
        await each.connect()
    listening, events = await follow(one, CAMPAIGN, join_leave=True)
    await until(lambda: events.seen)
    _, other = await follow(two, CAMPAIGN)
    await until(lambda: other.seen)
    assert {info.user for info in (await listening.presence()).clients.values()} == {OWNER, STRANGER}
    stats = await one.presence_stats(CAMPAIGN)
    assert (stats.num_clients, stats.num_users) == (2, 2)
    await two.disconnect()
    await until(lambda: len(events.others) == 3)
    assert events.others == [("join", OWNER), ("join", STRANGER), ("leave", STRANGER)]
    await one.disconnect()


async def test_tokens(stage: Stage) -> None:
    asked: list[str] = []
    fresh = fetching(asked, lambda: token(stage, 1))
    made, events = client(stage, token=token(stage, -5), get_token=fresh)
    await made.connect()
    await until(lambda: len(asked) == 3)  # once instead of the expired one, then twice in band
    assert await refused(made.rpc("x", EMPTY[stage.protobuf])) == 104
    assert ("error", 109) in events.seen
    assert events.seen[-1] == ("connected", None)
    await made.disconnect()
    for options, code in [({"token": "forged"}, 3500), ({}, 101)]:
        made, events = client(stage, **options)
        await made.connect()
        await until(lambda seen=events.seen: seen[-1][0] == "disconnected")  # type: ignore[misc]
        assert events.seen[-1] == ("disconnected", code)
    made, events = client(stage, headers={"Authorization": f"Bearer {token(stage)}"})  # here HTTP's own
    await made.connect()
    await until(lambda: events.seen[-1] == ("connected", None))
    await made.disconnect()


async def test_subscription_tokens(stage: Stage) -> None:
    made, _ = client(stage, token=token(stage, user=STRANGER))
    await made.connect()
    lives, asked = iter([-5, 1, 120]), list[str]()
    fresh = fetching(asked, lambda: token(stage, next(lives), user=STRANGER, channel=CAMPAIGN))
    own, events = await follow(made, CAMPAIGN, get_token=fresh)
    await until(lambda: len(asked) == 3)
    assert await refused(made.rpc("x", EMPTY[stage.protobuf])) == 104  # behind it, the last refresh is done
    assert (len(events.seen), own.state.value) == (1, "subscribed")
    await made.disconnect()


async def test_what_the_server_subscribes_it_to(stage: Stage) -> None:
    made, events = client(stage, token=token(stage, subs={CAMPAIGN: {}}))
    await made.connect()
    await until(lambda: events.channels)
    stage.do("confirm", CAMPAIGN, 1000, 1)
    stage.do("provisional", CAMPAIGN, 2)
    await until(lambda: len(events.channels) == 3)
    _, twice = await follow(made, CAMPAIGN)
    await until(lambda: twice.seen)
    assert twice.seen == [105]
    stage.do("disconnect", OWNER, 3000)
    stage.do("confirm", CAMPAIGN, 2000, 2)
    await until(lambda: len(events.channels) == 5)
    stage.do("unsubscribe", OWNER, CAMPAIGN, 2000)
    await until(lambda: len(events.channels) == 6)
    await made.disconnect()
    assert events.channels == [
        (CAMPAIGN, False, False),
        (CAMPAIGN, 1000, 1),
        (CAMPAIGN, 0, 2),
        (CAMPAIGN, True, True),
        (CAMPAIGN, 2000, 2),
        ("unsubscribed", CAMPAIGN),
    ]


async def test_codes_tell_it_what_to_do(stage: Stage) -> None:
    asked: list[str] = []
    made, seen = client(stage, token=token(stage), get_token=fetching(asked, lambda: token(stage)))
    await made.connect()
    _, events = await follow(made, CAMPAIGN)
    await until(lambda: events.seen)
    for times, code in enumerate([2500, 2502], 2):
        stage.do("unsubscribe", OWNER, CAMPAIGN, code)
        await until(lambda times=times: len(events.seen) == times)  # type: ignore[misc]
    for times, code in enumerate([3001, 3014], 4):
        stage.do("disconnect", OWNER, code)
        await until(lambda times=times: len(events.seen) == times)  # type: ignore[misc]
    assert [recovered for _, recovered, _ in events.seen] == [False, True, False, True, False]
    assert len(asked) == 1  # 3014 made it fetch another token
    stage.do("unsubscribe", OWNER, CAMPAIGN, 2000)
    await until(lambda: events.seen[-1] == 2000)
    stage.do("disconnect", OWNER, 3503)
    await until(lambda: seen.seen[-1] == ("disconnected", 3503))


async def test_it_comes_back_after_a_shutdown(stage: Stage) -> None:
    made, events = client(stage, token=token(stage))
    await made.connect()
    await until(lambda: ("connected", None) in events.seen)
    await stage.gateway.server.drain()
    await until(lambda: ("connecting", 3001) in events.seen)
    await made.disconnect()
