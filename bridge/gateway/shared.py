"""What all connections of the gateway share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bridge.gateway.auth import Authenticator
from bridge.gateway.clients import Clients
from bridge.gateway.elsewhere import NOWHERE, Elsewhere
from bridge.gateway.history import History
from bridge.gateway.hub import Hub
from bridge.gateway.identity import Identity, Joins, named
from bridge.gateway.presence import Presence
from bridge.log import Seldom


@dataclass(frozen=True, slots=True)
class Rooms:
    """What every connection works with. `owner_of` finds the user who owns a campaign; it may raise Unavailable.

    Tokens go by `now_ms`, the time of day, and sessions by `steady_ms`, which nobody sets.
    """

    hub: Hub
    presence: Presence
    history: History
    authenticator: Authenticator
    owner_of: Callable[[str], Awaitable[str | None]]
    now_ms: Callable[[], int]
    steady_ms: Callable[[], int]
    clients: Clients = field(default_factory=Clients)
    elsewhere: Elsewhere = NOWHERE
    failures: Seldom = field(default_factory=Seldom)

    def ends_ms(self, expires_ms: int) -> int:
        """When that is by the sessions' clock."""
        return self.steady_ms() + expires_ms - self.now_ms()

    def identity(self, offered: str, joins: Joins = named) -> Identity:
        """Of somebody who comes with that token."""
        return Identity(
            self.authenticator, self.owner_of, self.now_ms, ends_ms=self.ends_ms, offered=offered, joins=joins
        )
