"""What nodes tell each other, and the port through which they do: news only, the database is the truth.

News may be lost, come twice or out of order. A publication names the offset before it, so that whoever missed one
notices, and reads the database; see `bridge.bus.catching_up`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from bridge.protocol.realtime.steps import Present


class Published(Struct, frozen=True, array_like=True, tag="published"):
    """A publication that is committed: its data is one line of JSON. `before` is the offset before it in the channel,
    0 for the first.
    """

    channel: str
    offset: int
    before: int
    data: bytes


class Passing(Struct, frozen=True, array_like=True, tag="passing"):
    """A push that has no place in its channel: an event is provisional, or was rejected. Who missed it, missed it."""

    channel: str
    data: bytes


class Woken(Struct, frozen=True, array_like=True, tag="woken"):
    """Something waits to be published in these campaigns, by their refs."""

    refs: tuple[str, ...]


class Revoked(Struct, frozen=True, array_like=True, tag="revoked"):
    """Tokens count no longer: a user's issued up to `at_ms`, or one by its jti, as `kind` says ("user", "jti")."""

    kind: str
    name: str
    at_ms: int
    until_ms: int


class Unsubscribe(Struct, frozen=True, array_like=True, tag="unsubscribe"):
    """A user's clients are to lose their subscriptions to this channel."""

    user: str
    channel: str


class Refresh(Struct, frozen=True, array_like=True, tag="refresh"):
    """A user's clients are to live until `expires_ms`; None: to come back at once, with a fresh token."""

    user: str
    expires_ms: int | None


class Moved(Struct, frozen=True, array_like=True, tag="moved"):
    """A client has joined the channel, or left it."""

    channel: str
    client: str
    user: str
    joined: bool


class Asked(Struct, frozen=True, array_like=True, tag="asked"):
    """The node with the number `by` wants to know who is subscribed to the channel."""

    by: int
    channel: str


class Answered(Struct, frozen=True, array_like=True, tag="answered"):
    """Who is at the node with the number `at`, for the one that asked."""

    by: int
    at: int
    channel: str
    present: Present


class Missed(Struct, frozen=True, array_like=True, tag="missed"):
    """There may have been news that didn't come through: what they were about is in the database, read it there."""


News: TypeAlias = Published | Passing | Woken | Revoked | Unsubscribe | Refresh | Moved | Asked | Answered | Missed

Deliver: TypeAlias = Callable[[Sequence[News]], None]
"""Takes what others tell, in the order of the bus. It must not raise."""


class Bus(Protocol):
    """Carries news to the other nodes, each at most once."""

    @property
    def healthy(self) -> bool:
        """Whether news come and go; while they don't, look into the database."""

    def publish(self, news: Sequence[News]) -> None:
        """Tell the others what is committed. It neither waits nor raises: what can't be told is dropped and counted."""

    async def run(self, deliver: Deliver) -> None:
        """Go on until cancelled, over every outage; each change of `healthy` comes as Missed, after it."""


class InProcess:
    """The bus of the only node: whom there is to tell, it tells itself."""

    healthy = True

    def publish(self, news: Sequence[News]) -> None:
        """There is nobody to tell."""

    async def run(self, deliver: Deliver) -> None:
        """Nobody tells anything."""
        await asyncio.get_running_loop().create_future()
