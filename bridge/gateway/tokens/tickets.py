"""Tickets: a checked token's stand-in for one use within seconds, where a token itself would stay in a log."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from bridge.errors import Unavailable
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import Claims

PREFIX = "ticket."
TICKET_BYTES = 24


class Tickets:
    """Held in memory only; a restart voids them, and the client asks for another."""

    def __init__(
        self,
        settings: TokenSettings,
        *,
        random_text: Callable[[int], str] = secrets.token_urlsafe,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._random_text = random_text
        self._clock = clock
        self._open: dict[str, tuple[float, Claims]] = {}  # oldest first, so the expired ones stand in front
        self.reconfigure(settings)

    def reconfigure(self, settings: TokenSettings) -> None:
        """How long the next ones are good, and how many may be open."""
        self._lasts_s = settings.ticket_lifetime_s
        self._max_open = settings.max_tickets

    def issue(self, claims: Claims) -> str:
        """A ticket for whoever the claims are about. Raises Unavailable where as many are open as may be."""
        now_s = self._clock()
        for ticket, (ends_s, _) in tuple(self._open.items()):
            if ends_s > now_s:
                break
            del self._open[ticket]
        if len(self._open) >= self._max_open:
            raise Unavailable("the list of tickets", "it is full (tokens.max_tickets)", retry_after_s=1)
        ticket = PREFIX + self._random_text(TICKET_BYTES)
        self._open[ticket] = (now_s + self._lasts_s, claims)
        return ticket

    def redeem(self, ticket: str) -> Claims | None:
        """What it stands for, once; None where it isn't known, was used, or is too old."""
        ends_s, claims = self._open.pop(ticket, (0.0, None))
        return claims if ends_s > self._clock() else None
