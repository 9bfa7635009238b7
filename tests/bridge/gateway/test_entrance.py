"""Plain requests come in by the streams' rules: origin, cookie, token; and an allowed page may read every answer."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from bridge.gateway.entrance import campaign_of, claims_of
from bridge.gateway.faults import Fault
from bridge.gateway.identity import Identity
from bridge.gateway.settings import GatewaySettings
from bridge.gateway.shared import Rooms
from bridge.protocol.channels import Channel
from tests.bridge.gateway.gateway_fixture import OWNER, Running
from tests.bridge.gateway.readers_fixture import reading

ORIGIN = "https://app.example.org"
PROOF = "/v1/campaigns/1/proof"


async def test_a_listed_page_may_ask_with_its_cookie_and_read_what_comes() -> None:
    async with reading(origins=(ORIGIN,)) as made:
        headers = {"Origin": ORIGIN, "Cookie": f"access_token={made.gateway.token()}"}
        async with made.session.get(PROOF, headers=headers) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"  # which says when to ask again
        async with made.session.get(PROOF, headers={"Origin": ORIGIN}) as answer:
            assert answer.status == 401
            assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_any_other_page_is_refused() -> None:
    async with reading(origins=(ORIGIN,)) as made:
        token = made.gateway.token()
        for origin in ("https://elsewhere.example.org", "null"):
            headers = {"Origin": origin, "Authorization": f"Bearer {token}"}
            for ask in (made.session.get, made.session.options):
                async with ask(PROOF, headers=headers) as answer:
                    assert answer.status == 403
                    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_browser_may_ask_first() -> None:
    async with reading(origins=(ORIGIN,)) as made, made.session.options(PROOF, headers={"Origin": ORIGIN}) as answer:
        assert answer.status == 204
        assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


async def test_a_ticket_opens_once() -> None:
    async with reading() as made:
        authenticator = made.gateway.rooms.authenticator
        now_ms = made.gateway.rooms.now_ms()
        claims = await authenticator.check(made.gateway.token(OWNER), now_ms=now_ms)
        ticket = authenticator.tickets.issue(claims)
        assert [(await made.get(f"{PROOF}?ticket={ticket}"))[0] for _ in range(2)] == [200, 401]


def test_what_can_be_no_campaign_is_none() -> None:
    for name, valid in (("1", True), ("_account", False), ("a b", False)):
        request = make_mocked_request("GET", "/", match_info={"id": name})
        if valid:
            assert campaign_of(request) == Channel("campaign", name)
        else:
            with pytest.raises(Fault):
                campaign_of(request)


def test_nobody_is_taken_for_somebody() -> None:
    rooms: Rooms = Running(GatewaySettings()).rooms
    with pytest.raises(RuntimeError, match="nobody"):
        claims_of(Identity(rooms.authenticator, rooms.owner_of, rooms.now_ms))
