"""What a handshake or an HTTP request brings along: a token, if not in the connect frame, and the client's address."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias
from urllib.parse import parse_qs

Headers: TypeAlias = Callable[[str], Sequence[str]]
"""The values of all headers with a name, in order."""

BEARER = "bearer"
"""The subprotocol that a client names in front of its token, and that the handshake's answer repeats."""

IPV6_HOST_BITS = 64
"""One subscriber line has so many; its addresses count as one."""

MAX_FORWARDED = 20
"""Hops that are looked back through."""


def offered(headers: Headers, query: str, *, origins: Collection[str], cookie: str, query_token: bool) -> str:
    """The first token that is found: Authorization, cookie, Sec-WebSocket-Protocol, ?access_token=, ?ticket=; else "".

    The `cookie` of that name counts only from a page of `origins`, or of this very host, whose requests to read have
    no Origin: a browser sends it along whoever's page asks.
    `query_token` is whether tokens in the URL, which end up in logs, are taken; tickets always are.
    """
    scheme, _, token = next(iter(headers("Authorization")), "").partition(" ")
    if scheme.lower() == BEARER and token.strip():
        return token.strip()
    if _allowed(headers, origins) and (token := _cookie(headers("Cookie"), cookie)):
        return token
    protocols = subprotocols(headers)
    if len(protocols) == 2 and protocols[0] == BEARER:
        return protocols[1]
    asked = parse_qs(query, max_num_fields=100) if query.count("&") < 100 else {}
    names = ("access_token", "ticket") if query_token else ("ticket",)
    return next((asked[name][0] for name in names if len(asked.get(name, ())) == 1), "")


def subprotocols(headers: Headers) -> list[str]:
    """What the client names in Sec-WebSocket-Protocol."""
    return [word.strip() for line in headers("Sec-WebSocket-Protocol") for word in line.split(",")]


def _allowed(headers: Headers, origins: Collection[str]) -> bool:
    origin = headers("Origin")
    if not origin:
        return list(headers("Sec-Fetch-Site")) == ["same-origin"]  # no page can write this one
    return len(origin) == 1 and origin[0] in origins


def _cookie(lines: Sequence[str], name: str) -> str:
    """The cookie's value; "" where there is none, or two that differ: one of them was planted."""
    pairs = (pair.strip().partition("=") for line in lines for pair in line.split(";"))
    values = {value.strip('"') for found, _, value in pairs if found == name}
    return values.pop() if len(values) == 1 else ""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """Who counts as the client: the peer, or, behind trusted proxies, the last address that isn't one of theirs.

    What stands before that in X-Forwarded-For was written by the client, and may say anything.
    """
    hops = [hop.strip() for line in forwarded_for for hop in line.split(",")][-MAX_FORWARDED:]
    found = peer
    while _is_in(found, trusted) and hops:
        found = hops.pop()
    return _grouped(found, otherwise=peer)


def _is_in(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _grouped(text: str, *, otherwise: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return otherwise
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((address, 128 - IPV6_HOST_BITS), strict=False))
