"""Who is subscribed to a channel now, in this process: asked for by name, counted, or told as they come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

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

    def __init__(self, *, max_clients: int = 1000) -> None:
        self.max_clients = max_clients
        self._channels: dict[str, dict[Member, bool]] = {}  # whether each listens

    def read(self, channel: str) -> Present:
        """Everybody who is there."""
        here = self._channels.get(channel, {})
        users = {member.user for member in here}
        clients = {member.client: member.user or "" for member in here} if len(here) <= self.max_clients else None
        return Present(clients, len(here), len(users))

    def enter(self, channel: str, member: Member, *, listens: bool) -> None:
        """`member` went live. If it `listens`, it hears of itself first, as Centrifugo's clients do."""
        self._channels.setdefault(channel, {})[member] = listens
        self._tell(channel, member, join_push)

    def leave(self, channel: str, member: Member) -> None:
        """`member` is no longer there; fine where it wasn't."""
        here = self._channels.get(channel, {})
        if here.pop(member, None) is None:
            return
        if not here:
            del self._channels[channel]
        self._tell(channel, member, leave_push)

    def _tell(self, channel: str, member: Member, push: Callable[[str, str, str], bytes]) -> None:
        here = self._channels.get(channel, {})
        if len(here) > self.max_clients or True not in here.values():
            return
        frame = Frame(push(channel, member.client, member.user or ""))
        for listener, listens in here.items():
            if listens:
                listener.deliver(frame)
