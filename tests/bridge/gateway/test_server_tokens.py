"""Tokens on live sockets: where they may come from, when they end, and how many connections there may be."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from bridge.gateway.tokens.claims import Claims
from tests.bridge.gateway.gateway_fixture import OWNER, now_ms, running_gateway, until
from tests.bridge.gateway.wire_client import WireClient

PAGE = "https://app.example.org"


def from_page(token: str, *, origin: str | None = PAGE) -> dict[str, Any]:
    """What a browser sends along from a page."""
    headers = {"Cookie": f"access_token={token}"}
    return {"additional_headers": headers} if origin is None else {"additional_headers": headers, "origin": origin}


async def test_a_cookie_connects_without_expires_and_ends_with_its_token() -> None:
    async with running_gateway(origins=(PAGE,)) as gateway:
        async with WireClient(gateway.url, **from_page(gateway.token(lives_s=0.4))) as client:
            reply = (await client.ask(connect={}))["connect"]
            assert "expires" not in reply
            assert "ttl" not in reply
            assert "subscribe" in await client.ask(subscribe={"channel": f"user:{OWNER}"})
            assert await client.closed() == 3005  # at once: nothing better can come over this socket
        async with WireClient(gateway.url, **from_page(gateway.token())) as client:
            place = {"channel": f"user:{OWNER}", "recover": True, "offset": 0, "epoch": ""}
            gateway.publisher.confirm(f"user:{OWNER}", 1)
            await client.ask(connect={})
            reply = await client.ask(subscribe=place)
            assert [row["offset"] for row in reply["subscribe"]["publications"]] == [1]


async def test_a_cookie_counts_beside_a_listed_origin_only() -> None:
    async with running_gateway(origins=(PAGE,)) as gateway:
        async with WireClient(gateway.url, **from_page(gateway.token(), origin=None)) as client:
            assert (await client.ask(connect={}))["error"]["code"] == 101
        with pytest.raises(InvalidStatus, match="403"):
            await WireClient(gateway.url, **from_page(gateway.token(), origin="https://evil.example.org")).__aenter__()
        own = "http://localhost:8780"
        with pytest.raises(InvalidStatus, match="403"):
            await WireClient(gateway.url, **from_page(gateway.token(), origin=own)).__aenter__()
        gateway.server.allow([own])
        async with WireClient(gateway.url, **from_page(gateway.token(), origin=own)) as client:
            assert "connect" in await client.ask(connect={})


async def test_the_frame_goes_before_the_cookie() -> None:
    async with running_gateway(origins=(PAGE,)) as gateway:
        with_cookie = WireClient(gateway.url, **from_page(gateway.token("88")))
        async with with_cookie as client:
            reply = await client.ask(connect={"token": gateway.token("77")})
            assert reply["connect"]["expires"] is True
            assert gateway.rooms.clients.of_user("88") == []
            assert len(gateway.rooms.clients.of_user("77")) == 1


async def test_a_token_as_subprotocol_is_answered_with_its_name() -> None:
    async with running_gateway() as gateway:
        async with WireClient(gateway.url, subprotocols=["bearer", gateway.token()]) as client:
            assert client.socket.subprotocol == "bearer"
            assert "expires" not in (await client.ask(connect={}))["connect"]
        async with WireClient(gateway.url, subprotocols=["other"]) as client:
            assert (await client.ask(connect={}))["error"]["code"] == 101


async def test_a_token_in_the_url_counts_where_it_is_configured_and_is_never_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with running_gateway() as gateway, WireClient(f"{gateway.url}?access_token={gateway.token()}") as client:
        assert (await client.ask(connect={}))["error"]["code"] == 101
    async with running_gateway(query_token=True) as gateway:
        for token in (gateway.token(), gateway.token(exp=1)):
            async with WireClient(f"{gateway.url}?access_token={token}") as client:
                await client.say(connect={})
            assert token not in caplog.text


async def test_a_ticket_is_good_once() -> None:
    async with running_gateway() as gateway:
        claims = Claims("77", frozenset(), frozenset(), now_ms() + 60_000, "i")
        ticket = gateway.rooms.authenticator.tickets.issue(claims)
        async with WireClient(f"{gateway.url}?ticket={ticket}") as client:
            assert "connect" in await client.ask(connect={})
        async with WireClient(gateway.url) as client:
            await client.say(connect={"token": ticket})
            assert await client.closed() == 3500


async def test_a_token_that_nobody_renews_ends_the_connection_after_the_grace() -> None:
    async with running_gateway(expired_grace_s=0.3) as gateway:
        url = gateway.url
        async with WireClient(url) as client, WireClient(url) as renewing:
            await client.ask(connect={"token": gateway.token(lives_s=0.2)})
            await renewing.ask(connect={"token": gateway.token(lives_s=0.2)})
            assert (await renewing.ask(refresh={"token": gateway.token()}))["refresh"]["expires"] is True
            assert await client.closed() == 3005
            assert "subscribe" in await renewing.ask(subscribe={"channel": f"user:{OWNER}"})


async def test_one_user_has_so_many_connections() -> None:
    async with running_gateway(max_connections_per_user=1) as gateway, WireClient(gateway.url) as first:
        await first.ask(connect={"token": gateway.token()})
        async with WireClient(gateway.url) as second:
            await second.say(connect={"token": gateway.token()})
            assert await second.closed() == 3504
        async with WireClient(gateway.url) as other:
            assert "connect" in await other.ask(connect={"token": gateway.token("88")})
        assert "subscribe" in await first.ask(subscribe={"channel": f"user:{OWNER}"})
    await until(lambda: len(gateway.rooms.clients) == 0)


async def test_one_address_has_so_many_connections() -> None:
    limits: dict[str, Any] = {"max_connections_per_address": 1, "trusted_proxies": ("127.0.0.0/8",)}
    async with running_gateway(**limits) as gateway:
        here = {"X-Forwarded-For": "198.51.100.7, 192.0.2.1"}
        async with WireClient(gateway.url, additional_headers=here):
            await until(lambda: gateway.server.connections == 1)
            invented = {"X-Forwarded-For": "198.51.100.8, 192.0.2.1"}
            with pytest.raises(InvalidStatus, match="429"):
                await WireClient(gateway.url, additional_headers=invented).__aenter__()
            async with WireClient(gateway.url, additional_headers={"X-Forwarded-For": "192.0.2.2"}):
                await until(lambda: gateway.server.connections == 2)
        await until(lambda: gateway.server.connections == 0)
        async with WireClient(gateway.url, additional_headers=here):
            await until(lambda: gateway.server.connections == 1)
