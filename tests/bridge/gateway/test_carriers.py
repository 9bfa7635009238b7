"""Where a token may come from besides the connect frame, and who counts as the client behind proxies."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.gateway.carriers import client_address, offered

PAGE = "https://app.example.org"


def offer(headers: dict[str, str | list[str]], query: str = "", *, query_token: bool = False) -> str:
    def values(name: str) -> list[str]:
        found = headers.get(name, [])
        return [found] if isinstance(found, str) else found

    return offered(values, query, origins={PAGE}, cookie="access_token", query_token=query_token)


@pytest.mark.parametrize(
    ("headers", "query", "token"),
    [
        ({}, "", ""),
        ({"Authorization": "Bearer t"}, "", "t"),
        ({"Authorization": "Basic t"}, "", ""),
        ({"Origin": PAGE, "Cookie": "a=b; access_token=t; c=d"}, "", "t"),
        ({"Origin": PAGE, "Cookie": ["a=b", 'access_token="t"']}, "", "t"),
        ({"Origin": PAGE, "Cookie": "xaccess_token=t"}, "", ""),
        ({"Cookie": "access_token=t"}, "", ""),  # no Origin: not a browser that says whose page asks
        ({"Origin": "https://evil.example.org", "Cookie": "access_token=t"}, "", ""),
        ({"Origin": "null", "Cookie": "access_token=t"}, "", ""),
        ({"Origin": [PAGE, PAGE], "Cookie": "access_token=t"}, "", ""),
        ({"Origin": PAGE, "Cookie": "access_token=t; access_token=planted"}, "", ""),
        ({"Sec-WebSocket-Protocol": "bearer, t"}, "", "t"),
        ({"Sec-WebSocket-Protocol": ["bearer", "t"]}, "", "t"),
        ({"Sec-WebSocket-Protocol": "t"}, "", ""),
        ({"Sec-WebSocket-Protocol": "centrifuge-protobuf"}, "", ""),
        ({}, "access_token=t", ""),
        ({}, "ticket=t", "t"),
        ({}, "ticket=t&ticket=u", ""),
        ({}, "access_token=t&ticket=u", "u"),
        ({"Authorization": "Bearer 1", "Origin": PAGE, "Cookie": "access_token=2"}, "ticket=3", "1"),
        ({"Origin": PAGE, "Cookie": "access_token=2", "Sec-WebSocket-Protocol": "bearer, 3"}, "", "2"),
    ],
)
def test_the_first_that_counts(headers: dict[str, str | list[str]], query: str, token: str) -> None:
    assert offer(headers, query) == token


def test_a_token_in_the_url_only_where_it_is_configured() -> None:
    assert offer({}, "access_token=t", query_token=True) == "t"
    assert offer({}, "access_token=t&ticket=u", query_token=True) == "t"


@settings(max_examples=50)
@given(
    st.dictionaries(st.sampled_from(["Authorization", "Origin", "Cookie", "Sec-WebSocket-Protocol"]), st.text()),
    st.text(),
)
def test_any_headers_are_read(headers: dict[str, str | list[str]], query: str) -> None:
    assert isinstance(offer(headers, query, query_token=True), str)


def test_a_query_of_a_thousand_fields_is_not_read() -> None:
    assert offer({}, "&" * 1000 + "ticket=t") == ""


PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # no proxy of ours: what it says is its own invention
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.7", "203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.2"], "10.0.0.2"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8::1", [], "2001:db8::/64"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
    ],
)
def test_who_counts_as_the_client(peer: str, forwarded: list[str], client: str) -> None:
    assert client_address(peer, forwarded, PROXIES) == client


@given(st.lists(st.text(max_size=50), max_size=5))
def test_no_header_makes_a_stranger_somebody_else(forwarded: list[str]) -> None:
    assert client_address("192.0.2.1", forwarded, PROXIES) == "192.0.2.1"
