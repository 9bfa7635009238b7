"""A client's connection over a real socket: channels, recovery, tokens that end, and a store that is away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from structlog.testing import capture_logs

from tests.bridge.gateway.gateway_fixture import OWNER, STRANGER, running_gateway
from tests.bridge.gateway.wire_client import WireClient

CAMPAIGN = "campaign:1"


def offsets(reply: Any, method: str = "subscribe") -> list[int]:
    return [row["offset"] for row in reply[method].get("publications", [])]


async def test_subscribe_live_and_leave() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        reply = await client.ask(connect={"token": gateway.token()})
        assert reply["connect"]["expires"]
        assert (reply["connect"]["ping"], reply["connect"]["pong"]) == (25, True)
        gateway.publisher.confirm(CAMPAIGN, 1000, n=1)
        gateway.history.opened[CAMPAIGN] = ["id-1"]
        reply = await client.ask(subscribe={"channel": CAMPAIGN})
        assert (reply["subscribe"]["offset"], reply["subscribe"]["data"]["open"]) == (1000, ["id-1"])
        gateway.publisher.provisional(CAMPAIGN, n=2)
        gateway.publisher.confirm(CAMPAIGN, 2000, n=2)
        push = await client.hear()
        assert "offset" not in push["push"]["pub"]
        push = await client.hear()
        assert push["push"] == {
            "channel": CAMPAIGN,
            "pub": {"data": {"event": "X", "data": {"n": 2}, "meta": {"phase": "confirmed"}}, "offset": 2000},
        }
        assert await client.ask(unsubscribe={"channel": CAMPAIGN}) == {"id": 3, "unsubscribe": {}}
        assert gateway.hub.subscribers(CAMPAIGN) == 0


async def test_several_commands_come_in_one_frame_and_so_do_their_replies() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        await client.socket.send(
            '{"id":2,"ping":{}}\n{"id":3,"rpc":{}}\n{}\n{"id":4,"unsubscribe":{"channel":"user:77"}}'
        )
        frame = await client.socket.recv()
        replies = [json.loads(line) for line in str(frame).split("\n")]
        assert [reply["id"] for reply in replies] == [2, 3, 4]
        assert replies[0] == {"id": 2, "ping": {}}


async def test_recovery_and_its_bounds() -> None:
    async with running_gateway(recovery_max_publications=3) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        for offset in (1000, 2000, 3000, 4000):
            gateway.publisher.confirm(CAMPAIGN, offset)
        cases: list[tuple[dict[str, Any], bool, list[int], int]] = [
            ({"offset": 1000, "epoch": gateway.history.epoch}, True, [2000, 3000, 4000], 1000),
            ({"offset": 4000}, True, [], 4000),
            ({}, False, [], 4000),  # four are more than three
            ({"offset": 1000, "epoch": "elsewhere"}, False, [], 4000),
            ({"offset": 5000}, False, [], 4000),
        ]
        for asked, recovered, got, offset in cases:
            reply = await client.ask(subscribe={"channel": CAMPAIGN, "recover": True, **asked})
            assert (reply["subscribe"]["recovered"], offsets(reply)) == (recovered, got)
            assert reply["subscribe"]["offset"] == offset
            await client.ask(unsubscribe={"channel": CAMPAIGN})


async def test_who_came_before_there_was_an_epoch_misses_nothing() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        epoch, gateway.history.epoch = gateway.history.epoch, ""  # as of a campaign that has no topic yet
        place = (await client.ask(subscribe={"channel": CAMPAIGN}))["subscribe"]
        assert (place["epoch"], place["offset"]) == ("", 0)
        await client.ask(unsubscribe={"channel": CAMPAIGN})
        gateway.history.epoch = epoch
        gateway.publisher.confirm(CAMPAIGN, 2000)
        asked = {"channel": CAMPAIGN, "recover": True, "epoch": place["epoch"], "offset": place["offset"]}
        reply = await client.ask(subscribe=asked)
        assert (reply["subscribe"]["recovered"], reply["subscribe"]["epoch"], offsets(reply)) == (True, epoch, [2000])
        await client.ask(unsubscribe={"channel": CAMPAIGN})
        gateway.history.epoch = ""  # a place in a stream that isn't there any more
        reply = await client.ask(subscribe={"channel": CAMPAIGN, "recover": True, "epoch": epoch, "offset": 2000})
        assert reply["subscribe"]["recovered"] is False


async def test_only_what_is_yours() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token(STRANGER, campaigns=["9"])})
        for channel, code in [
            ("user:88", None),
            ("user:77", 103),
            (CAMPAIGN, 103),
            ("campaign:unheard-of", 103),
            ("campaign:9", None),
            ("weather:today", 102),
            ("user:" + "7" * 65, 102),
            ("user:" + "7" * 300, 107),
            ("", 102),
        ]:
            reply = await client.ask(subscribe={"channel": channel})
            assert reply.get("error", {}).get("code") == code
        assert (await client.ask(history={"channel": CAMPAIGN, "limit": 1}))["error"]["code"] == 103


async def test_history_pages() -> None:
    async with running_gateway(history_max_publications=3) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        for offset in range(1000, 6000, 1000):
            gateway.publisher.confirm(CAMPAIGN, offset)

        async def page(**asked: Any) -> list[int]:
            reply = await client.ask(history={"channel": CAMPAIGN, **asked})
            assert (reply["history"]["offset"], reply["history"]["epoch"]) == (5000, gateway.history.epoch)
            return offsets(reply, "history")

        assert await page() == []
        assert await page(limit=-1) == [1000, 2000, 3000]
        assert await page(limit=2, since={"offset": 3000, "epoch": ""}) == [4000, 5000]
        assert await page(limit=2, reverse=True) == [5000, 4000]
        assert await page(limit=9, reverse=True, since={"offset": 4000}) == [3000, 2000, 1000]
        foreign = {"channel": CAMPAIGN, "limit": 1, "since": {"offset": 1, "epoch": "x"}}
        assert (await client.ask(history=foreign))["error"]["code"] == 112


async def test_a_token_that_ends_closes_the_connection_unless_refreshed() -> None:
    async with running_gateway(expired_grace_s=0.3) as gateway:
        async with WireClient(gateway.url) as client:
            await client.ask(connect={"token": gateway.token(lives_s=0.3)})
            reply = await client.ask(refresh={"token": gateway.token(lives_s=100)})
            assert reply["refresh"]["ttl"] >= 98
            await asyncio.sleep(0.7)
            assert "ping" in await client.ask(ping={})
        async with WireClient(gateway.url) as client:
            await client.ask(connect={"token": gateway.token(lives_s=0.2)})
            assert await client.closed() == 3005
        async with WireClient(gateway.url) as client:
            await client.ask(connect={"token": gateway.token()})
            await client.say(refresh={"token": gateway.token(STRANGER)})
            assert await client.closed() == 3500


async def test_a_refresh_closes_what_the_new_token_no_longer_opens() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token(OWNER, campaigns=["9"])})
        for channel in ("campaign:9", CAMPAIGN):
            await client.ask(subscribe={"channel": channel})
        await client.ask(refresh={"token": gateway.token()})
        push = await client.hear()
        assert (push["push"]["channel"], push["push"]["unsubscribe"]["code"]) == ("campaign:9", 2000)
        assert (gateway.hub.subscribers("campaign:9"), gateway.hub.subscribers(CAMPAIGN)) == (0, 1)


async def test_a_store_that_is_away_is_a_temporary_error() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        gateway.history.down = True
        for method in ("subscribe", "history"):
            reply = await client.ask(**{method: {"channel": CAMPAIGN, "limit": 1}})
            assert (reply["error"]["code"], reply["error"]["temporary"]) == (100, True)
        assert gateway.hub.subscribers(CAMPAIGN) == 0
        gateway.history.down = False
        assert "subscribe" in await client.ask(subscribe={"channel": CAMPAIGN})


async def test_a_store_that_is_away_is_a_line_for_each_operation_whoever_asks() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as one, WireClient(gateway.url) as other:
        gateway.history.down = True
        with capture_logs() as logs:
            for client in (one, other):
                await client.ask(connect={"token": gateway.token()})
                for _ in range(20):
                    await client.ask(subscribe={"channel": CAMPAIGN})
                    await client.ask(history={"channel": CAMPAIGN, "limit": 1})
    assert [
        (entry["event"], entry["operation"], entry["times"]) for entry in logs if entry["log_level"] != "debug"
    ] == [
        ("operation failed", "Join", 1),
        ("operation failed", "ReadHistory", 1),
    ]


async def test_pings_and_no_pong() -> None:
    async with running_gateway(ping_interval_s=0.05, pong_timeout_s=0.2) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        for _ in range(5):
            assert await client.hear() == {}
            await client.socket.send("{}")
        assert await client.closed() == 3012


async def test_nothing_is_lost_while_clients_join_under_load() -> None:
    async with running_gateway() as gateway:
        total, got = 300, {}

        async def publish() -> None:
            for number in range(1, total + 1):
                gateway.publisher.confirm(CAMPAIGN, number * 1000, n=number)
                await asyncio.sleep(0)

        async def follow(name: int) -> None:
            seen: list[int] = []
            while not seen or seen[-1] < total * 1000:  # comes, takes a few, and is gone again
                async with WireClient(gateway.url) as client:
                    await client.ask(connect={"token": gateway.token()})
                    place = {"recover": True, "offset": seen[-1] if seen else 0, "epoch": gateway.history.epoch}
                    reply = await client.ask(subscribe={"channel": CAMPAIGN, **place})
                    assert reply["subscribe"]["recovered"]
                    seen += offsets(reply)
                    for _ in range(20):
                        if seen and seen[-1] == total * 1000:
                            break
                        seen.append((await client.hear())["push"]["pub"]["offset"])
            got[name] = seen

        async with asyncio.TaskGroup() as group:
            group.create_task(publish())
            for name in range(5):
                group.create_task(follow(name))
        for seen in got.values():
            assert seen == [number * 1000 for number in range(1, total + 1)]
