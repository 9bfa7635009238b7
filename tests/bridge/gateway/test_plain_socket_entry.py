"""Who comes in by the plain socket, with what, and how the others hear that they don't."""

from __future__ import annotations

import logging

import pytest
from websockets.exceptions import InvalidStatus

from tests.bridge.gateway.gateway_fixture import STRANGER, now_ms, running_gateway, until
from tests.bridge.gateway.plain_client import PlainClient, plain_gateway

ORIGIN = "https://app.example.org"
USER = "user:77"


async def status(client: PlainClient) -> int:
    try:
        async with client:
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_it_is_off_by_default() -> None:
    async with running_gateway(query_token=True) as gateway:
        url = f"ws://127.0.0.1:{gateway.server.port}"
        assert await status(PlainClient(url, gateway.token())) == 404


async def test_who_may_not_come_in_hears_why_in_the_close_code() -> None:
    async with plain_gateway() as (gateway, url):
        for token in ("", "none", gateway.token(iat=0)):
            async with PlainClient(url, token) as client:
                assert (await client.closed())[0] == 3500
        async with PlainClient(url, gateway.token(lives_s=-1)) as client:
            assert (await client.closed())[0] == 3005
        async with PlainClient(url, gateway.token(), since="nonsense") as client:
            assert await client.closed() == (3501, "since is one meta.place, or several with commas between")
        gateway.history.down = True
        async with PlainClient(url, gateway.token()) as client:
            assert (await client.closed())[0] == 3004
        await until(lambda: gateway.server.connections == 0)


async def test_limits_of_a_user_and_of_a_token_hold() -> None:
    async with plain_gateway(max_connections_per_user=1, max_channels_per_connection=2) as (gateway, url):
        async with PlainClient(url, gateway.token()) as client:
            await client.begin(1)
            async with PlainClient(url, gateway.token()) as other:
                assert (await other.closed())[0] == 3504
        async with PlainClient(url, gateway.token(STRANGER, campaigns=["1", "2"])) as client:
            assert (await client.closed())[0] == 3505


async def test_the_cookie_counts_from_an_allowed_page_only() -> None:
    async with plain_gateway(origins=(ORIGIN,)) as (gateway, url):
        cookie = {"Cookie": f"access_token={gateway.token()}"}
        async with PlainClient(url, additional_headers=cookie, origin=ORIGIN) as client:
            await client.begin(1)
        async with PlainClient(url, additional_headers=cookie) as client:
            assert (await client.closed())[0] == 3500
        assert await status(PlainClient(url, gateway.token(), origin="https://evil.example.org")) == 403
        authenticator = gateway.rooms.authenticator
        claims = await authenticator.check(gateway.token(), now_ms=now_ms())
        async with PlainClient(url, authenticator.tickets.issue(claims)) as client:
            await client.begin(1)


async def test_a_token_in_the_url_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with plain_gateway() as (gateway, url):
        for token in (gateway.token(), gateway.token(lives_s=-1), "garbage.in.it"):
            async with PlainClient(url, token):
                await until(lambda: gateway.server.connections == 0 or gateway.hub.subscribers(USER))
            assert token not in caplog.text
