"""Who one client is, by the tokens that it brings, and what that opens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from bridge.counts import count
from bridge.gateway.auth import Authenticator, may_open
from bridge.gateway.tokens.claims import Claims, TokenExpired, TokenRefused
from bridge.log import get_logger
from bridge.protocol.channels import Channel
from bridge.protocol.realtime import steps

log = get_logger(__name__)

Joins: TypeAlias = Callable[[Claims], Iterable[str]]


def named(claims: Claims) -> Iterable[str]:
    """The channels that a token names for that."""
    return claims.subs


class Identity:
    """`offered` is the token that came with the handshake, "" if none did. Every question may raise Unavailable.

    `joins` says to which channels a token subscribes the client, `ends_ms` when its end is by the session's clock.
    """

    __slots__ = ("_authenticator", "_ends_ms", "_joins", "_now_ms", "_offered", "_owner_of", "claims")

    def __init__(
        self,
        authenticator: Authenticator,
        owner_of: Callable[[str], Awaitable[str | None]],
        now_ms: Callable[[], int],
        *,
        ends_ms: Callable[[int], int] = int,
        offered: str = "",
        joins: Joins = named,
    ) -> None:
        self.claims: Claims | None = None
        self._authenticator = authenticator
        self._owner_of = owner_of
        self._now_ms = now_ms
        self._ends_ms = ends_ms
        self._offered = offered
        self._joins = joins

    async def authenticate(self, token: str) -> steps.Outcome:
        """By the command's token, else by that of the handshake."""
        renewable, token, self._offered = bool(token), token or self._offered, ""  # needed once, and then not held
        if not token:
            return steps.Anonymous()
        try:
            self.claims = await self._authenticator.check(token, now_ms=self._now_ms())
        except TokenExpired:
            count("tokens refused", "expired")
            return steps.Expired(renewable)
        except TokenRefused as error:
            count("tokens refused", "refused")
            self._tell("token refused", error)
            return steps.Refused()
        ends_ms = self._ends_ms(self.claims.expires_ms)
        return steps.Authenticated(self.claims.user, ends_ms, tuple(self._joins(self.claims)), renewable)

    async def authorize(self, channel: str, token: str) -> steps.Outcome:
        """By the channel's own token, if there is one, else by the connection's."""
        if not token or self.claims is None:
            return steps.Allowed() if await self.may_open(channel) else steps.Denied()
        check, user = self._authenticator.check_subscription, self.claims.user
        try:
            claims = await check(token, channel, user=user, now_ms=self._now_ms())
        except TokenExpired:
            count("tokens refused", "expired")
            return steps.Expired()
        except TokenRefused as error:
            count("tokens refused", "refused")
            self._tell("subscription token refused", error)
            return steps.Denied()
        return steps.Allowed(self._ends_ms(claims.expires_ms))

    async def may_open(self, name: str) -> bool:
        """By the connection's token; the campaign's owner is looked up only where that decides."""
        if self.claims is None:
            return False
        channel, see_all = Channel.parse(name), self._authenticator.see_all
        if may_open(self.claims, channel, None, see_all=see_all):
            return True
        if channel.kind == "user":
            return False
        owner = await self._owner_of(channel.id)
        return may_open(self.claims, channel, owner, see_all=see_all)

    def _tell(self, what: str, error: TokenRefused) -> None:
        if times := self._authenticator.refusals.due(f"{what}: {error.reason}"):
            log.info(what, reason=error.reason, times=times)
