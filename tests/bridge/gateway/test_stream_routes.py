"""Server-sent events, and centrifuge-js's fallback in its own requests, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from typing import Any

import aiohttp
import pytest

from bridge.protocol.realtime import codes
from tests.bridge.gateway.gateway_fixture import STRANGER, until
from tests.bridge.gateway.memory_history import EPOCH
from tests.bridge.gateway.streams_fixture import DEADLINE_S, Doors, event, streaming

CHANNEL = "campaign:1"
ORIGIN = "https://app.example.org"


def told(got: dict[str, str]) -> tuple[str | None, str | None, Any]:
    """An event's kind, its place, and what it says."""
    return got.get("event"), got.get("id"), json.loads(got["data"])


async def numbers(response: aiohttp.ClientResponse, count: int) -> list[tuple[str, int]]:
    """The places and contents of the next publications."""
    got = [await event(response) for _ in range(count)]
    return [(each["id"], json.loads(each["data"])["data"]["n"]) for each in got]


async def test_events_from_now_on() -> None:
    async with streaming() as made, made.events(CHANNEL, made.gateway.token()) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert told(await event(response)) == ("subscribed", f"0@{EPOCH}", {"open": [], "rejected": []})
        made.gateway.publisher.provisional(CHANNEL, n=1)
        got = await event(response)
        assert "id" not in got
        assert json.loads(got["data"])["meta"] == {"phase": "provisional"}
        made.gateway.publisher.confirm(CHANNEL, 2000, n=1)
        made.gateway.publisher.confirm(CHANNEL, 3000, n=2)
        assert await numbers(response, 2) == [(f"2000@{EPOCH}", 1), (f"3000@{EPOCH}", 2)]


async def test_a_reader_that_comes_back_gets_what_it_missed_once() -> None:
    async with streaming() as made:
        publisher, token = made.gateway.publisher, made.gateway.token()
        for offset in (2000, 3000, 4000):
            publisher.confirm(CHANNEL, offset, n=offset)
        async with made.events(CHANNEL, token, place=f"2000@{EPOCH}") as response:
            assert told(await event(response))[:2] == ("subscribed", f"2000@{EPOCH}")
            publisher.confirm(CHANNEL, 5000, n=5000)
            assert [n for _, n in await numbers(response, 3)] == [3000, 4000, 5000]
        path = f"/v1/channels/{CHANNEL}/events?since=0"  # a browser's first request has no Last-Event-ID
        async with made.session.get(path, headers={"Authorization": f"Bearer {token}"}) as response:
            assert told(await event(response))[:2] == ("subscribed", f"0@{EPOCH}")
            assert [n for _, n in await numbers(response, 4)] == [2000, 3000, 4000, 5000]


@pytest.mark.parametrize("place", ["2000@another", "9000", f"1@{EPOCH}"])
async def test_a_gap_is_told(place: str) -> None:
    async with streaming(recovery_max_publications=1) as made:
        for offset in (2000, 3000):
            made.gateway.publisher.confirm(CHANNEL, offset, n=offset)
        async with made.events(CHANNEL, made.gateway.token(), place=place) as response:
            assert told(await event(response)) == ("gap", f"3000@{EPOCH}", {"offset": 3000, "epoch": EPOCH})
            assert (await event(response))["event"] == "subscribed"
            made.gateway.publisher.confirm(CHANNEL, 4000, n=4000)
            assert await numbers(response, 1) == [(f"4000@{EPOCH}", 4000)]


async def test_a_channel_that_the_token_names_is_recovered_and_its_others_are_not_told() -> None:
    async with streaming() as made:
        made.gateway.publisher.confirm("campaign:9", 2000, n=1)
        token = made.gateway.token(STRANGER, channels=["campaign:9", "campaign:8"])
        async with made.events("campaign:9", token, place="0") as response:
            assert (await event(response))["event"] == "subscribed"
            assert await numbers(response, 1) == [(f"2000@{EPOCH}", 1)]
            assert made.gateway.hub.subscribers("campaign:8") == 0


async def refusal(made: Doors, channel: str = CHANNEL, token: str = "", **options: Any) -> int:
    async with made.events(channel, token, **options) as response:
        status: int = response.status
        assert response.content_type == "application/json"
        return status


async def test_refusals() -> None:
    async with streaming() as made:
        token = made.gateway.token()
        assert await refusal(made) == 401
        assert await refusal(made, token="none") == 401
        assert await refusal(made, token=made.gateway.token(lives_s=-1)) == 401
        assert await refusal(made, token=made.gateway.token(STRANGER)) == 403
        assert await refusal(made, "nothing", token) == 404
        assert await refusal(made, token=token, place="x@y") == 400
        assert await refusal(made, token=token, Origin=ORIGIN) == 403
        made.gateway.history.down = True
        assert await refusal(made, token=token) == 503
        assert (made.gateway.server.connections, len(made.gateway.hub.channels)) == (0, 0)


async def test_connections_are_counted_with_the_sockets() -> None:
    async with streaming(max_connections_per_user=1, max_connections_per_address=2) as made:
        token = made.gateway.token()
        async with made.events(CHANNEL, token):
            assert await refusal(made, token=token) == 429
            async with made.events("user:88", made.gateway.token(STRANGER)):
                assert await refusal(made, "user:99", made.gateway.token("99")) == 429
                assert made.gateway.server.connections == 2


async def test_an_allowed_page_comes_with_its_cookie_and_may_read() -> None:
    async with streaming(origins=(ORIGIN,)) as made:
        cookie = {"Cookie": f"access_token={made.gateway.token()}"}
        async with made.events(CHANNEL, **cookie, Origin=ORIGIN) as response:
            assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert (await event(response))["event"] == "subscribed"
        assert await refusal(made, **cookie) == 401  # no page that is known to be allowed
        async with made.events(CHANNEL, **cookie, **{"Sec-Fetch-Site": "same-origin"}) as response:
            assert response.status == 200  # EventSource names no Origin at home
        async with made.session.options("/emulation", headers={"Origin": ORIGIN}) as response:
            assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (204, ORIGIN)


async def test_who_leaves_is_gone_at_once_and_not_with_the_next_ping() -> None:
    async with streaming(ping_interval_s=3600.0) as made:
        connect = json.dumps({"id": 1, "connect": {"token": made.gateway.token()}})
        for request in (
            made.events(CHANNEL, made.gateway.token()),
            made.session.post("/connection/http_stream", data=connect),
        ):
            async with request as response:
                assert await asyncio.wait_for(response.content.readline(), DEADLINE_S)
                assert made.gateway.server.connections == 1
            await until(lambda: (made.gateway.server.connections, len(made.gateway.hub.channels)) == (0, 0))


async def test_comments_keep_it_open_and_a_reader_that_left_is_forgotten() -> None:
    async with streaming(ping_interval_s=0.1, pong_timeout_s=0.05) as made:
        async with made.events(CHANNEL, made.gateway.token()) as response:
            await event(response)
            for _ in range(3):
                assert await asyncio.wait_for(response.content.readuntil(b":\n\n"), DEADLINE_S)
            response.close()
        await until(lambda: made.gateway.server.connections == 0)
        assert len(made.gateway.hub.channels) == 0


async def test_what_ends_a_reader_is_told() -> None:
    async with streaming() as made:
        async with made.events(CHANNEL, made.gateway.token(lives_s=0.3)) as response:
            await event(response)
            assert told(await event(response))[2]["code"] == codes.CONNECTION_EXPIRED.code
            assert await event(response) == {}
        async with made.events(CHANNEL, made.gateway.token()) as response:
            await event(response)
            [client] = made.gateway.rooms.clients.of_user("77")
            client.revoke(CHANNEL)
            assert [(await event(response))["event"] for _ in range(2)] == ["unsubscribe", "disconnect"]
            assert await event(response) == {}
        async with made.events(CHANNEL, made.gateway.token()) as response:
            await event(response)
            await made.api.stop()
            assert told(await event(response))[2] == {"code": 3001, "reason": "shutdown", "reconnect": True}


async def test_a_slow_reader_is_cut_at_its_limit() -> None:
    """By a raw socket that reads nothing."""
    async with streaming(max_pending_bytes=100_000, close_timeout_s=0.2) as made:
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else the kernel takes tens of megabytes
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", made.api.port))
        reader, writer = await asyncio.open_connection(sock=small, limit=1024)
        head = f"GET /v1/channels/{CHANNEL}/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {made.gateway.token()}"
        writer.write(f"{head}\r\n\r\n".encode())
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        for number in range(1, 1000):
            made.gateway.publisher.confirm(CHANNEL, number, text="x" * 10_000)
            await asyncio.sleep(0)
        await until(lambda: made.gateway.server.connections == 0, deadline_s=10)  # well before the first ping
        assert made.gateway.hub.subscribers(CHANNEL) == 0
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


# centrifuge-js's fallback


async def line(response: aiohttp.ClientResponse) -> Any:
    return json.loads(await asyncio.wait_for(response.content.readline(), DEADLINE_S))


async def post(made: Doors, session: str, data: str) -> int:
    async with made.session.post("/emulation", json={"session": session, "node": "", "data": data}) as response:
        return response.status


async def test_a_stream_with_commands_by_post() -> None:
    async with streaming() as made:
        connect = json.dumps({"id": 1, "connect": {"token": made.gateway.token()}})
        async with made.session.post("/connection/http_stream", data=connect) as response:
            connected = (await line(response))["connect"]
            secret = connected["session"]
            assert secret not in ("", connected["client"])
            assert await post(made, secret, json.dumps({"id": 2, "subscribe": {"channel": CHANNEL}})) == 204
            assert (await line(response))["subscribe"]["epoch"] == EPOCH
            made.gateway.publisher.confirm(CHANNEL, 2000, n=1)
            assert (await line(response))["push"]["pub"]["offset"] == 2000
            assert await post(made, secret, "nonsense") == 204
            assert (await line(response))["push"]["disconnect"]["code"] == codes.BAD_FRAME.code
            assert await response.content.read() == b""
        await until(lambda: made.gateway.server.connections == 0)
        assert await post(made, secret, "{}") == 404


async def test_a_stream_without_a_token_hears_why() -> None:
    async with streaming(authenticate_timeout_s=0.2, max_frame_bytes=1000) as made:
        async with made.session.post("/connection/http_stream", data='{"id":1,"connect":{}}') as response:
            assert (await line(response))["error"]["code"] == codes.UNAUTHORIZED.code
            assert (await line(response))["push"]["disconnect"]["code"] == codes.STALE.code
        async with made.session.post("/connection/http_stream", data="x" * 1001) as response:
            assert response.status == 413
        for body in (b"\xff", b"[]", b'{"session":1,"data":""}'):
            async with made.session.post("/emulation", data=body) as response:
                assert response.status == 400
        async with made.session.post("/emulation", data=b"{}", headers={"Origin": ORIGIN}) as response:
            assert response.status == 403
