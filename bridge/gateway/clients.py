"""Who is connected, by user and by token: for limits, and for what the server has to tell a user's clients."""

from __future__ import annotations

from typing import Protocol

from bridge.gateway.tokens.claims import Claims
from bridge.protocol.realtime import codes
from bridge.protocol.realtime.codes import DisconnectCode


class Client(Protocol):
    """One connection of a user."""

    def disconnect(self, code: DisconnectCode) -> None:
        """End it."""

    def revoke(self, channel: str) -> bool:
        """End its subscription to the channel; whether it had one."""

    def extend(self, expires_ms: int) -> None:
        """Let it live until then instead of to its token's end."""


class Clients:
    """Every authenticated connection. A user may have `max_per_user`; None: any number."""

    def __init__(self, *, max_per_user: int | None = None) -> None:
        self.max_per_user = max_per_user
        self._claims: dict[Client, Claims] = {}
        self._of_user: dict[str, dict[Client, None]] = {}

    def __len__(self) -> int:
        return len(self._claims)

    @property
    def users(self) -> int:
        """How many users have a connection."""
        return len(self._of_user)

    def enter(self, client: Client, claims: Claims) -> bool:
        """Note whose it is, or that it has brought a new token. False: the user has too many, nothing is noted."""
        room = self._of_user.get(claims.user, {})
        if client not in room:
            if self.max_per_user is not None and len(room) >= self.max_per_user:
                return False
            self.leave(client)  # it may have been another user's
            self._of_user.setdefault(claims.user, {})[client] = None
        self._claims[client] = claims
        return True

    def leave(self, client: Client) -> None:
        """It is gone; fine where it never entered."""
        if (claims := self._claims.pop(client, None)) is not None:
            room = self._of_user[claims.user]
            del room[client]
            if not room:
                del self._of_user[claims.user]

    def of_user(self, user: str) -> list[Client]:
        """A user's connections, oldest first."""
        return list(self._of_user.get(user, ()))

    def unsubscribe(self, user: str, channel: str) -> int:
        """End a user's subscriptions to the channel; how many there were."""
        return sum(client.revoke(channel) for client in self.of_user(user))

    def refresh(self, user: str, expires_ms: int | None) -> int:
        """Let a user's connections live until then; None: have them come back at once. How many there were."""
        clients = self.of_user(user)
        for client in clients:
            if expires_ms is None:
                client.disconnect(codes.CONNECTION_EXPIRED)
            else:
                client.extend(expires_ms)
        return len(clients)

    def claims_of(self, client: Client) -> Claims:
        """The token that it brought last."""
        return self._claims[client]

    def of_jti(self, jti: str) -> list[Client]:
        """Those whose token has this id."""
        return [client for client, claims in self._claims.items() if claims.jti == jti]
