"""The port to the clients of the other daemons, for what is asked of all clients and not of those here alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge.protocol.realtime.steps import Present


class Elsewhere(Protocol):
    """What is told may get lost on its way, and comes to the daemons that can be reached now."""

    def unsubscribe(self, user: str, channel: str) -> None:
        """End the subscriptions of a user's clients to the channel."""

    def refresh(self, user: str, expires_ms: int | None) -> None:
        """Let a user's clients live until then; None: have them come back at once."""

    def moved(self, channel: str, client: str, user: str, *, joined: bool) -> None:
        """Tell who listens to the channel that a client of this daemon has joined it, or left."""

    async def present(self, channel: str) -> Sequence[Present]:
        """Who is subscribed at each of the others that answers in time. Raises Unavailable."""


class Nowhere:
    """There is no other daemon."""

    def unsubscribe(self, user: str, channel: str) -> None:
        """There is nobody to tell."""

    def refresh(self, user: str, expires_ms: int | None) -> None:
        """There is nobody to tell."""

    def moved(self, channel: str, client: str, user: str, *, joined: bool) -> None:
        """There is nobody to tell."""

    async def present(self, channel: str) -> Sequence[Present]:
        """There is nobody to ask."""
        return ()


NOWHERE = Nowhere()
