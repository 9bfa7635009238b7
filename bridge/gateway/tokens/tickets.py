"""Tickets: a checked token's stand-in for one use within seconds, where a token itself would stay in a log."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from bridge.errors import Unavailable
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import Claims

PREFIX = "ticket."
TICKET_BYTES = 24


class Tickets:
    """Held in memory only; a restart voids them, and the client asks for another."""

    def __init__(self, settings: TokenSettings, *, random_text: Callable[[int], str] = secrets.token_urlsafe) -> None:
        self._random_text = random_text
        self._open: dict[str, tuple[int, Claims]] = {}  # oldest first, so the expired ones stand in front
        self.reconfigure(settings)

    def reconfigure(self, settings: TokenSettings) -> None:
        """How long the next ones are good, and how many may be open."""
        self._lasts_ms = round(settings.ticket_lifetime_s * 1000)
        self._max_open = settings.max_tickets

    def issue(self, claims: Claims, *, now_ms: int) -> str:
        """A ticket for whoever the claims are about. Raises Unavailable where as many are open as may be."""
        for ticket, (ends_ms, _) in tuple(self._open.items()):
            if ends_ms > now_ms:
                break
            del self._open[ticket]
        if len(self._open) >= self._max_open:
            raise Unavailable("the list of tickets", "it is full (tokens.max_tickets)", retry_after_s=1)
        ticket = PREFIX + self._random_text(TICKET_BYTES)
        self._open[ticket] = (now_ms + self._lasts_ms, claims)
        return ticket

    def redeem(self, ticket: str, *, now_ms: int) -> Claims | None:
        """What it stands for, once; None where it isn't known, was used, or is too old."""
        ends_ms, claims = self._open.pop(ticket, (0, None))
        return claims if ends_ms > now_ms else None
