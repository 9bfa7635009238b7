"""The time of day is set by an hour, there and back, under connected clients: who is here stays, and is served."""

from __future__ import annotations

import pytest

from tests.bridge.gateway.gateway_fixture import OWNER, Running, running_gateway
from tests.bridge.gateway.wire_client import WireClient
from topics.values import NANOS

HOUR_S = 3600
CHANNEL = f"user:{OWNER}"


async def served(client: WireClient, gateway: Running, offset: int) -> None:
    """Given what is new, pinged, and let ask as often as it may."""
    gateway.publisher.confirm(CHANNEL, offset)
    heard: list[int] = []
    pings = 0
    while not (heard and pings >= 2):
        if push := await client.hear():
            heard.append(push["push"]["pub"]["offset"])
        else:
            pings += 1
            await client.socket.send("{}")
    assert heard == [offset]
    for _ in range(2):
        assert "presence_stats" in await client.ask(presence_stats={"channel": CHANNEL})


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])
async def test_connections_outlast_it(ahead_s: int) -> None:
    async with (
        running_gateway(
            ping_interval_s=0.1, pong_timeout_s=5.0, max_commands_per_s=20.0, expired_grace_s=0.1
        ) as gateway,
        WireClient(gateway.url) as client,
    ):
        reply = await client.ask(connect={"token": gateway.token(lives_s=60)})
        assert reply["connect"]["ttl"] in range(50, 61)
        await client.ask(subscribe={"channel": CHANNEL})
        await served(client, gateway, 1)
        for offset, set_by_s in enumerate((ahead_s, 0), 2):
            gateway.clock.set_by_ns = set_by_s * NANOS
            await served(client, gateway, offset)


@pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])
async def test_a_token_ends_when_it_would_have(ahead_s: int) -> None:
    """Who was let in has the time that the token had left then."""
    async with running_gateway(expired_grace_s=0.1) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token(lives_s=0.5)})
        gateway.clock.set_by_ns = ahead_s * NANOS
        assert "subscribe" in await client.ask(subscribe={"channel": CHANNEL})
        assert await client.closed() == 3005


async def test_a_token_that_comes_now_goes_by_the_time_of_day() -> None:
    async with running_gateway() as gateway:
        gateway.clock.set_by_ns = HOUR_S * NANOS
        async with WireClient(gateway.url) as client:
            assert (await client.ask(connect={"token": gateway.token()}))["error"]["code"] == 109
        gateway.clock.set_by_ns = 0
        async with WireClient(gateway.url) as client:
            assert "connect" in await client.ask(connect={"token": gateway.token()})
