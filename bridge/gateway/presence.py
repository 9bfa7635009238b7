"""Who is subscribed to a channel now, here or elsewhere: asked for by name, counted, or told as they come and go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bridge.gateway.elsewhere import NOWHERE, Elsewhere
from bridge.gateway.hub import Frame
from bridge.protocol.realtime.replies import join_push, leave_push
from bridge.protocol.realtime.steps import Present


class Member(Protocol):
    """A client that others may know of."""

    @property
    def client(self) -> str:
        """Its id."""

    @property
    def user(self) -> str | None:
        """Whose it is."""

    def deliver(self, frame: Frame) -> None:
        """Take a push; it must not raise."""


class Presence:
    """A channel with more than `max_clients` has nobody named in it: they are counted only, and their comings and
    goings, of which each would go to everybody who listens, are not told.
    """

    def __init__(self, *, max_clients: int = 1000, elsewhere: Elsewhere = NOWHERE) -> None:
        self.max_clients = max_clients
        self._elsewhere = elsewhere
        self._channels: dict[str, dict[Member, bool]] = {}  # whether each listens

    async def read(self, channel: str) -> Present:
        """Everybody who is there, at whichever daemon. Raises Unavailable."""
        others = await self._elsewhere.present(channel)
        return together([self.here(channel), *others], max_clients=self.max_clients)

    def here(self, channel: str) -> Present:
        """Those in this process."""
        here = self._channels.get(channel, {})
        users = {member.user for member in here}
        clients = {member.client: member.user or "" for member in here} if len(here) <= self.max_clients else None
        return Present(clients, len(here), len(users))

    def enter(self, channel: str, member: Member, *, listens: bool) -> None:
        """`member` went live. If it `listens`, it hears of itself first, as Centrifugo's clients do."""
        self._channels.setdefault(channel, {})[member] = listens
        self._moved(channel, member, joined=True)

    def leave(self, channel: str, member: Member) -> None:
        """`member` is no longer there; fine where it wasn't."""
        here = self._channels.get(channel, {})
        if here.pop(member, None) is None:
            return
        if not here:
            del self._channels[channel]
        self._moved(channel, member, joined=False)

    def tell(self, channel: str, client: str, user: str, *, joined: bool) -> None:
        """Whoever listens here hears of a client, of this process or another."""
        here = self._channels.get(channel, {})
        if len(here) > self.max_clients or True not in here.values():
            return
        frame = Frame((join_push if joined else leave_push)(channel, client, user))
        for listener, listens in here.items():
            if listens:
                listener.deliver(frame)

    def _moved(self, channel: str, member: Member, *, joined: bool) -> None:
        self.tell(channel, member.client, member.user or "", joined=joined)
        if len(self._channels.get(channel, ())) <= self.max_clients:
            self._elsewhere.moved(channel, member.client, member.user or "", joined=joined)


def together(parts: Sequence[Present], *, max_clients: int) -> Present:
    """Who is in any of them. A user is counted once, except in those of which nobody is named."""
    named = [part.clients for part in parts if part.clients is not None]
    num_clients = sum(part.num_clients for part in parts)
    users = {user for clients in named for user in clients.values()}
    num_users = len(users) + sum(part.num_users for part in parts if part.clients is None)
    few = len(named) == len(parts) and num_clients <= max_clients
    clients = {client: user for each in named for client, user in each.items()} if few else None
    return Present(clients, num_clients, num_users)
