"""What abuse of the streams over HTTP ends in: a refusal in its own shape, and nothing left behind."""

from __future__ import annotations

import contextlib
import gzip
import json
import urllib.parse
from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.gateway.gateway_fixture import until
from tests.bridge.gateway.raw_socket import nothing_left, raw
from tests.bridge.gateway.streams_fixture import Doors, event, streaming

CHANNEL = "campaign:1"
DEEP = "[" * 20_000 + "]" * 20_000


@contextlib.asynccontextmanager
async def beside() -> AsyncIterator[Doors]:
    """Both doors, and a reader beside the abuse that gets what is published."""
    async with (
        streaming(ping_interval_s=0.2, close_timeout_s=0.2) as made,
        made.events(CHANNEL, made.gateway.token()) as response,
    ):
        assert (await event(response))["event"] == "subscribed"
        async with nothing_left(), aiohttp.ClientSession(f"http://127.0.0.1:{made.api.port}") as session:
            yield Doors(made.gateway, made.api, session)
            await session.close()
            await until(lambda: made.gateway.server.connections == 1)
            made.gateway.publisher.confirm(CHANNEL, 1, n=1)
            assert json.loads((await event(response))["data"])["data"] == {"n": 1}


BODIES = {
    "blanks": b"  ",
    "bytes": bytes(range(256)),
    "deep": DEEP.encode(),
    "no object": b"17",
    "half": b'{"session":"',
    "half a letter": b'{"session":"\xff","data":"x"}',
    "deep in a field": f'{{"session":"a","data":"b","more":{DEEP}}}'.encode(),
    "newlines": b"\n" * 65_000,
    "numbers": b'{"id":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("what", BODIES)
async def test_bodies_that_say_nothing(what: str) -> None:
    async with beside() as made:
        json_type = {"Content-Type": "application/json"}
        async with made.session.post("/emulation", data=BODIES[what], headers=json_type) as response:
            assert (response.status, (await response.json())["error"]["code"]) in (
                (400, "bad_request"),
                (404, "not_found"),
            )
        async with made.session.post("/connection/http_stream", data=BODIES[what], headers=json_type) as response:
            disconnected = json.loads((await response.text()).splitlines()[-1])["push"]["disconnect"]
            assert disconnected["code"] == (3013 if what == "newlines" else 3501)


@pytest.mark.parametrize("path", ["/emulation", "/connection/http_stream"])
async def test_bodies_that_are_too_large(path: str) -> None:
    async with beside() as made:
        for body, headers in (
            (b"x" * 65_537, {}),
            (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}),
        ):
            async with made.session.post(path, data=body, headers=headers) as response:
                assert (response.status, (await response.json())["error"]["code"]) == (413, "too_large")


async def test_many_bodies_that_never_come_whole() -> None:
    async with beside() as made, contextlib.AsyncExitStack() as stack:
        for _ in range(100):
            socket = await stack.enter_async_context(raw(made.api.port))
            socket.send(b"POST /connection/http_stream HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        async with made.session.get("/healthz") as response:
            assert response.status == 200


async def test_streams_that_are_opened_and_left() -> None:
    async with beside() as made:
        token = made.gateway.token()
        connect = json.dumps({"id": 1, "connect": {"token": token}})
        for _ in range(20):
            async with made.events(CHANNEL, token) as response:
                assert response.status == 200
            async with made.session.post("/connection/http_stream", data=connect) as response:
                assert response.status == 200


ODD = st.text(max_size=30) | st.from_regex(r"[0-9]{1,25}(@.{0,10})?", fullmatch=True)


async def test_any_channel_place_and_token() -> None:
    """Over one connection: whatever is asked for, there is an answer with a status of its own."""
    async with beside() as made:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(ODD, ODD | st.binary(max_size=20), ODD, st.booleans())
        def tried(channel: str, place: str | bytes, since: str, knows: bool) -> None:
            asked.append((channel, place, since, knows))

        asked = list[tuple[str, str | bytes, str, bool]]()
        tried()
        async with raw(made.api.port) as socket:
            for channel, place, since, knows in asked:
                shown = place if isinstance(place, bytes) else place.encode(errors="surrogatepass")
                shown = bytes(byte for byte in shown if byte >= 0x20 and byte != 0x7F)
                path = urllib.parse.quote(channel, safe="", errors="surrogatepass")
                query = urllib.parse.quote(since, errors="surrogatepass")
                token = made.gateway.token().encode() if knows else shown
                head = f"GET /v1/channels/{path}/events?since={query} HTTP/1.1\r\nHost: x\r\n".encode()
                socket.send(head + b"Authorization: Bearer " + token + b"\r\nLast-Event-ID: " + shown + b"\r\n\r\n")
                status = await socket.status()
                assert status in (400, 401, 403, 404), (channel, place, since, status)
