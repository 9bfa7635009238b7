"""The plain socket, over real sockets, by a client that only reads JSON."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from websockets.frames import Frame, Opcode

from tests.bridge.gateway.gateway_fixture import until
from tests.bridge.gateway.memory_history import EPOCH
from tests.bridge.gateway.plain_client import DEADLINE_S, PlainClient, plain_gateway

ORIGIN = "https://app.example.org"
USER = "user:77"


async def test_several_tabs_get_the_users_channel_and_what_the_token_names() -> None:
    async with plain_gateway() as (gateway, url):
        token = gateway.token(channels=["campaign:9"], campaigns=["5", "_no channel"])
        async with PlainClient(url, token) as one, PlainClient(url, token) as other:
            for tab in (one, other):
                assert await tab.begin(3) == [USER, "campaign:9", "campaign:5"]
            gateway.publisher.confirm(USER, 1, n=1)
            gateway.publisher.provisional("campaign:9", n=2)
            gateway.publisher.confirm("campaign:5", 2000, n=3)
            for tab in (one, other):
                heard = [await tab.hear() for _ in range(3)]
                assert [each["data"]["n"] for each in heard] == [1, 2, 3]
                assert [each["meta"].get("place") for each in heard] == [
                    f"{USER}/1@{EPOCH}",
                    None,
                    f"campaign:5/2000@{EPOCH}",
                ]
        await until(lambda: gateway.server.connections == 0)
        assert len(gateway.hub.channels) == 0


async def test_a_tab_that_comes_back_gets_what_it_missed_of_all_channels_once() -> None:
    async with plain_gateway() as (gateway, url):
        token = gateway.token(campaigns=["5"])
        async with PlainClient(url, token) as client:
            await client.begin(2)
            gateway.publisher.confirm("campaign:5", 2000, n=1)
            await client.hear()
        for offset in (1, 2):
            gateway.publisher.confirm(USER, offset, n=offset)
        gateway.publisher.confirm("campaign:5", 3000, n=3)
        async with PlainClient(url, token, since=client.since) as again:
            heard = [await again.hear() for _ in range(5)]
            gateway.publisher.confirm(USER, 3, n=4)
            heard.append(await again.hear())
        assert [each["data"]["n"] for each in heard if each["event"] == "X"] == [1, 2, 3, 4]
        assert again.places == {USER: f"{USER}/3@{EPOCH}", "campaign:5": f"campaign:5/3000@{EPOCH}"}


@pytest.mark.parametrize("since", [f"{USER}/2@another", f"{USER}/9", f"{USER}/0"])
async def test_a_gap_is_told(since: str) -> None:
    async with plain_gateway(recovery_max_publications=2) as (gateway, url):
        for offset in (1, 2, 3):
            gateway.publisher.confirm(USER, offset, n=offset)
        async with PlainClient(url, gateway.token(), since=since) as client:
            gap = await client.hear()
            assert (gap["event"], gap["meta"]) == ("GAP", {"channel": USER, "place": f"{USER}/3@{EPOCH}"})
            await client.begin(1)
            gateway.publisher.confirm(USER, 4, n=4)
            assert (await client.hear())["data"] == {"n": 4}


async def test_channels_that_the_first_answer_has_no_room_for_follow_or_tell_a_gap() -> None:
    async with plain_gateway(max_pending_bytes=100_000) as (gateway, url):
        for number in range(8):
            gateway.publisher.confirm(f"campaign:{number}", 1000, text="x" * 20_000)
        since = ",".join(f"campaign:{number}/0" for number in range(8))
        token = gateway.token(campaigns=[str(number) for number in range(8)])
        async with PlainClient(url, token, since=since) as client:
            heard: list[tuple[str, str]] = []
            while [event for _, event in heard].count("SUBSCRIBED") < 9:
                message = await client.hear()
                heard.append((message["meta"]["channel"], message["event"]))
    ways = [tuple(event for told, event in heard if told == f"campaign:{number}") for number in range(8)]
    assert ways == [("SUBSCRIBED", "X")] * 2 + [("GAP", "SUBSCRIBED")] * 6


async def test_it_ends_as_other_connections_do() -> None:
    async with plain_gateway(expired_grace_s=100, drain_timeout_s=0.1) as (gateway, url):
        async with PlainClient(url, gateway.token(lives_s=0.3)) as client:
            assert await client.closed() == (3005, "connection expired")
        async with PlainClient(url, gateway.token()) as client:
            await client.begin(1)
            [connection] = gateway.rooms.clients.of_user("77")
            connection.revoke(USER)
            told = await client.hear()
            assert (told["event"], told["data"]["payload"]["code"]) == ("UNSUBSCRIBED", 2000)
            await gateway.server.drain()
            assert await client.closed() == (3001, "shutdown")


async def test_pings_are_the_sockets_own_and_who_answers_none_is_cut() -> None:
    patience = {"ping_interval_s": 0.1, "pong_timeout_s": 0.2, "close_timeout_s": 0.1}
    async with plain_gateway(**patience) as (gateway, url), PlainClient(url, gateway.token()) as client:
        await client.begin(1)
        pings: list[Frame] = []
        client.socket.process_event = pings.append  # type: ignore[method-assign, assignment] # the library has answered
        await until(lambda: len(pings) == 5)
        assert {ping.opcode for ping in pings} == {Opcode.PING}
        assert gateway.server.connections == 1
        client.socket.protocol.receive_data = lambda _: None  # type: ignore[method-assign, assignment] # frozen
        await until(lambda: gateway.server.connections == 0)


async def test_what_a_client_says_counts_for_nothing_but_the_limits() -> None:
    limits = {"max_commands_per_s": 5, "max_channels_per_connection": 5, "close_timeout_s": 0.1}
    async with plain_gateway(**limits) as (gateway, url):
        async with PlainClient(url, gateway.token()) as client:
            await client.begin(1)
            for said in ("{}", "nonsense", b"\x00", json.dumps({"id": 1, "subscribe": {"channel": "campaign:1"}})):
                await client.socket.send(said)
            gateway.publisher.confirm(USER, 1, n=1)
            assert (await client.hear())["data"] == {"n": 1}
            assert gateway.hub.subscribers("campaign:1") == 0
            for _ in range(30):
                await client.socket.send("x")
            assert (await client.closed())[0] == 3013
        async with PlainClient(url, gateway.token()) as client:
            await client.begin(1)
            await client.socket.send("x" * 70_000)
            assert (await client.closed())[0] == 1009
        async with PlainClient(url, gateway.token()) as client:
            await client.begin(1)
            client.socket.transport.write(Frame(Opcode.PONG, b"").serialize(mask=True) * 30)
            assert (await client.closed())[0] == 3013


async def test_a_frozen_client_is_cut_at_its_limit() -> None:
    async with plain_gateway(max_pending_bytes=200_000, close_timeout_s=0.2) as (gateway, url):
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", gateway.server.port))
        async with PlainClient(url, gateway.token(), sock=small) as frozen, PlainClient(url, gateway.token()) as good:
            await frozen.begin(1)
            await good.begin(1)
            frozen.socket.transport.pause_reading()
            offset = 0
            deadline = time.monotonic() + DEADLINE_S
            while gateway.server.connections == 2:
                offset += 1
                gateway.publisher.confirm(USER, offset, text="x" * 20_000)
                assert (await good.hear())["meta"]["place"] == f"{USER}/{offset}@{EPOCH}"
                assert time.monotonic() < deadline
            assert gateway.hub.subscribers(USER) == 1


@pytest.mark.parametrize("compression", [True, False])
async def test_the_legacy_framing(compression: bool) -> None:
    key = bytes(range(32))
    async with plain_gateway(plain_socket_key=key, compression=compression) as (gateway, url):
        async with PlainClient(url, gateway.token()) as one, PlainClient(url, gateway.token()) as other:
            await asyncio.gather(one.begin(1), other.begin(1))
            gateway.publisher.confirm(USER, 1, n=1)
            heard = [await one.hear(), await other.hear()]
            gateway.publisher.confirm(USER, 2, n=1)
            heard.append(await one.hear())
        assert [each["encrypted"] for each in heard] == [True] * 3
        assert heard[0]["data"] == heard[1]["data"]  # made once
        assert heard[0]["data"] != heard[2]["data"]  # under an IV of its own
        assert heard[2]["meta"]["place"] == f"{USER}/2@{EPOCH}"
        assert [opened(each["data"], key) for each in heard] == [{"n": 1}] * 3


def opened(text: str, key: bytes) -> Any:
    iv, sealed = (bytes.fromhex(each) for each in text.split(":"))
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padded = decryptor.update(sealed) + decryptor.finalize()
    return json.loads(padded[: -padded[-1]])
