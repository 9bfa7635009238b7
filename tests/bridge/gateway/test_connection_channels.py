"""What a connection does beside publications: channels by token, presence, and what the server has to say."""

from __future__ import annotations

import time
from typing import Any

from bridge.gateway.connection import Connection
from bridge.protocol.realtime import codes
from tests.bridge.gateway.gateway_fixture import OWNER, STRANGER, running_gateway
from tests.bridge.gateway.wire_client import WireClient

CAMPAIGN = "campaign:1"


async def test_what_the_server_has_to_say() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token()})
        await client.ask(subscribe={"channel": CAMPAIGN})
        [connection] = gateway.rooms.clients.of_user(OWNER)
        assert isinstance(connection, Connection)
        connection.send(b'{"n":1}')
        assert (await client.hear())["push"] == {"message": {"data": {"n": 1}}}
        assert connection.revoke(CAMPAIGN, codes.UNSUBSCRIBED_INVALIDATED)
        assert not connection.revoke(CAMPAIGN)
        assert (await client.hear())["push"]["unsubscribe"]["code"] == 2502
        assert gateway.rooms.presence.here(CAMPAIGN).num_clients == 0


async def test_what_a_token_names_is_subscribed_to_and_recovered() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client:
        gateway.publisher.confirm("user:77", 1, n=1)
        gateway.publisher.confirm("user:77", 2, n=2)
        places = {"user:77": {"recover": True, "offset": 1, "epoch": gateway.history.epoch}}
        token = gateway.token(channels=["user:77"], subs={"campaign:9": {}})
        subs = (await client.ask(connect={"token": token, "subs": places}))["connect"]["subs"]
        assert [row["offset"] for row in subs["user:77"]["publications"]] == [2]
        assert subs["campaign:9"]["offset"] == 0
        gateway.publisher.confirm("user:77", 3, n=3)
        assert (await client.hear())["push"]["pub"]["offset"] == 3
        assert (await client.ask(subscribe={"channel": "user:77"}))["error"]["code"] == 105
        reply = await client.ask(refresh={"token": gateway.token(channels=["campaign:1"], campaigns=["9"])})
        assert "refresh" in reply
        push = (await client.hear())["push"]
        assert (push["channel"], push["subscribe"]["positioned"]) == (CAMPAIGN, True)
        gateway.publisher.confirm(CAMPAIGN, 1000, n=4)
        assert (await client.hear())["push"]["pub"]["offset"] == 1000


async def test_a_token_opens_one_channel_until_it_expires() -> None:
    async with running_gateway(expired_grace_s=0.2) as gateway, WireClient(gateway.url) as client:
        await client.ask(connect={"token": gateway.token(STRANGER)})

        async def subscribe(token: str) -> Any:
            return await client.ask(subscribe={"channel": CAMPAIGN, "token": token})

        cases = [
            (gateway.token(STRANGER, channel="campaign:2"), 103),
            (gateway.token(OWNER, channel=CAMPAIGN), 103),
            (gateway.token(STRANGER, channel=CAMPAIGN, lives_s=-1), 109),
            ("garbage", 103),
        ]
        for token, code in cases:
            assert (await subscribe(token))["error"]["code"] == code
        reply = await subscribe(gateway.token(STRANGER, channel=CAMPAIGN, lives_s=0.3))
        assert (reply["subscribe"]["expires"], reply["subscribe"]["ttl"]) == (True, 1)
        longer = gateway.token(STRANGER, channel=CAMPAIGN, lives_s=0.6)
        assert (await client.ask(sub_refresh={"channel": CAMPAIGN, "token": longer}))["sub_refresh"]["expires"]
        began = time.monotonic()
        push = (await client.hear())["push"]
        assert (push["channel"], push["unsubscribe"]["code"]) == (CAMPAIGN, 2501)
        assert time.monotonic() - began > 0.55
        assert gateway.hub.subscribers(CAMPAIGN) == 0


async def test_presence_and_who_comes_and_goes() -> None:
    async with running_gateway() as gateway, WireClient(gateway.url) as client, WireClient(gateway.url) as other:
        ids = [(await one.ask(connect={"token": gateway.token()}))["connect"]["client"] for one in (client, other)]
        await client.ask(subscribe={"channel": CAMPAIGN, "join_leave": True})
        await other.ask(subscribe={"channel": CAMPAIGN})
        reply = await client.ask(presence={"channel": CAMPAIGN})
        assert reply["presence"]["presence"] == {each: {"client": each, "user": OWNER} for each in ids}
        stats = (await client.ask(presence_stats={"channel": CAMPAIGN}))["presence_stats"]
        assert stats == {"num_clients": 2, "num_users": 1}
        other.socket.transport.abort()
        heard = [(await client.hear())["push"] for _ in range(3)]
        assert [(*push.keys(),)[1] for push in heard] == ["join", "join", "leave"]
        assert [(*push.values(),)[1]["info"]["client"] for push in heard] == [ids[0], ids[1], ids[1]]
        stranger = {"channel": "campaign:8"}
        assert (await client.ask(presence=stranger))["error"]["code"] == 103
