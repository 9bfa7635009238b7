"""Tickets are good once, and soon not at all."""

from __future__ import annotations

import pytest

from bridge.errors import Unavailable
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import Claims
from bridge.gateway.tokens.tickets import PREFIX, Tickets

MINE = Claims("77", frozenset(), frozenset(), 900_000, "i")


def test_once_and_within_its_time() -> None:
    tickets = Tickets(TokenSettings((), ticket_lifetime_s=30))
    first, second = tickets.issue(MINE, now_ms=0), tickets.issue(MINE, now_ms=0)
    assert first != second
    assert first.startswith(PREFIX)
    assert tickets.redeem(first, now_ms=29_999) == MINE
    assert tickets.redeem(first, now_ms=29_999) is None
    assert tickets.redeem(second, now_ms=30_000) is None
    assert tickets.redeem("ticket.guessed", now_ms=0) is None


def test_so_many_wait_at_most() -> None:
    tickets = Tickets(TokenSettings((), ticket_lifetime_s=30, max_tickets=2))
    tickets.issue(MINE, now_ms=0)
    tickets.issue(MINE, now_ms=10_000)
    with pytest.raises(Unavailable, match="max_tickets"):
        tickets.issue(MINE, now_ms=29_999)
    assert tickets.redeem(tickets.issue(MINE, now_ms=30_000), now_ms=30_001) == MINE
