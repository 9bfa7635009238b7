"""Tickets are good once, and soon not at all."""

from __future__ import annotations

import pytest

from bridge.errors import Unavailable
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import Claims
from bridge.gateway.tokens.tickets import PREFIX, Tickets

MINE = Claims("77", frozenset(), frozenset(), 900_000, "i")


def test_once_and_within_its_time() -> None:
    now_s = [0.0]
    tickets = Tickets(TokenSettings((), ticket_lifetime_s=30), clock=lambda: now_s[0])
    first, second = tickets.issue(MINE), tickets.issue(MINE)
    assert first != second
    assert first.startswith(PREFIX)
    now_s[0] = 29.999
    assert tickets.redeem(first) == MINE
    assert tickets.redeem(first) is None
    now_s[0] = 30
    assert tickets.redeem(second) is None
    assert tickets.redeem("ticket.guessed") is None


def test_so_many_wait_at_most() -> None:
    now_s = [0.0]
    tickets = Tickets(TokenSettings((), ticket_lifetime_s=30, max_tickets=2), clock=lambda: now_s[0])
    tickets.issue(MINE)
    now_s[0] = 10
    tickets.issue(MINE)
    now_s[0] = 29.999
    with pytest.raises(Unavailable, match="max_tickets"):
        tickets.issue(MINE)
    now_s[0] = 30
    assert tickets.redeem(tickets.issue(MINE)) == MINE
