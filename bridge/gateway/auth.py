"""Who a client is, by its token (JWT), and which channels are its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jwt

from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.claims import Claims, TokenExpired, TokenRefused, read_claims, read_subscription
from bridge.gateway.tokens.fetching import fetch_keys
from bridge.gateway.tokens.issuer_keys import Fetch, IssuerKeys
from bridge.gateway.tokens.revocations import Revocations
from bridge.gateway.tokens.tickets import PREFIX, Tickets
from bridge.log import Seldom
from bridge.protocol.channels import Channel

MAX_TOKEN_CHARS = 65_536


def may_open(claims: Claims, channel: Channel, owner: str | None, *, see_all: frozenset[str]) -> bool:
    """A user's channel opens to that user only; a campaign's to its owner, who is named by the token, and `see_all`."""
    if channel.kind == "user":
        return claims.user == channel.id
    return claims.user == owner or channel.id in claims.campaigns or not see_all.isdisjoint(claims.roles)


def fetch_by_url(issuer: Issuer, settings: TokenSettings) -> Fetch | None:
    """Gets an issuer's keys from its URL; None where they are in its file."""
    if not issuer.keys_url:
        return None
    return partial(
        fetch_keys,
        issuer.keys_url,
        password=issuer.password,
        timeout_s=settings.keys_timeout_s,
        max_bytes=settings.keys_max_bytes,
    )


class _Trusted(NamedTuple):
    issuer: Issuer
    keys: IssuerKeys


class Authenticator:
    """Checks tokens against the configured issuers. Raises ValueError for keys that can't be used.

    The algorithm belongs to the key, by configuration; what a token says of it only decides whether it is looked at.
    `now_ms`, the time of day, is for what tokens say; how old keys and tickets are is told by `clock`, in seconds.
    """

    def __init__(
        self,
        settings: TokenSettings,
        revocations: Revocations | None = None,
        *,
        fetch_of: Callable[[Issuer, TokenSettings], Fetch | None] = fetch_by_url,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.revocations = revocations or Revocations(settings)
        self.tickets = Tickets(settings, clock=clock)
        self.refusals = Seldom()
        self._fetch_of = fetch_of
        self._clock = clock
        self._trusted: list[_Trusted] = []
        self.settings = settings
        self._take(settings)

    def reconfigure(self, settings: TokenSettings) -> None:
        """Go by these from now on; tickets and revocations stay. Raises ValueError, and then nothing has changed."""
        self._take(settings)
        self.revocations.reconfigure(settings)
        self.tickets.reconfigure(settings)

    def _take(self, settings: TokenSettings) -> None:
        """The keys of an issuer of whom nothing new is said go on, and with them those that were fetched."""
        alike = settings == replace(self.settings, issuers=settings.issuers)
        known = {each.issuer.name: each for each in self._trusted if alike and each.issuer in settings.issuers}
        self._trusted = [
            known.get(issuer.name) or _Trusted(issuer, self._keys_of(issuer, settings)) for issuer in settings.issuers
        ]
        self.settings, self.see_all = settings, frozenset(settings.roles_see_all)

    def _keys_of(self, issuer: Issuer, settings: TokenSettings) -> IssuerKeys:
        return IssuerKeys(issuer, settings, self._fetch_of(issuer, settings), clock=self._clock)

    async def check(self, token: str, *, now_ms: int) -> Claims:
        """Who brings this token, or the ticket of one. Raises TokenExpired, TokenRefused, Unavailable (no keys now)."""
        if token.startswith(PREFIX):
            redeemed = self.tickets.redeem(token)
            if redeemed is None:
                raise TokenRefused("the ticket is not known, or no longer")
            claims = redeemed
            if claims.expires_ms <= now_ms:
                raise TokenExpired
        else:
            body, issuer = await self._verified(token)
            claims = read_claims(body, self.settings, issuer=issuer.name, now_ms=now_ms)
        return self._standing(claims)

    async def check_subscription(self, token: str, channel: str, *, user: str, now_ms: int) -> Claims:
        """A token that opens `channel` alone, to `user`. Raises what `check` raises."""
        body, issuer = await self._verified(token)
        claims = read_subscription(body, self.settings, issuer=issuer.name, channel=channel, now_ms=now_ms)
        if claims.user != user:
            raise TokenRefused("it is another user's")
        return self._standing(claims)

    def _standing(self, claims: Claims) -> Claims:
        if self.revocations.cover(claims):
            raise TokenRefused("it was revoked")
        return claims

    async def _verified(self, token: str) -> tuple[dict[str, Any], Issuer]:
        """The claims of a token whose signature and audience are good, and whose they are."""
        if len(token) > MAX_TOKEN_CHARS:
            raise TokenRefused("it is too long")
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:  # deep JSON ends in a RecursionError
            raise TokenRefused("it can't be read") from error
        header = unverified["header"]
        issuer, keys = self._choose(unverified["payload"].get("iss"), header.get("alg"))
        kid = header.get("kid")
        key = await keys.find(kid if isinstance(kid, str) else "")
        if key is None:
            raise TokenRefused("its key is not known")
        options = _SIGNATURE | {"verify_aud": bool(issuer.audience)}
        try:
            body = jwt.decode(
                token, key, algorithms=[issuer.algorithm], audience=issuer.audience or None, options=options
            )
        except jwt.InvalidAudienceError as error:
            raise TokenRefused("it is for another audience") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenRefused("its signature or form is wrong") from error
        return body, issuer

    def _choose(self, claimed: object, algorithm: object) -> _Trusted:
        """The configured issuer that the token names, or the one that takes any; of several, that of the algorithm."""
        named = [each for each in self._trusted if isinstance(claimed, str) and each.issuer.issuer == claimed]
        candidates = named or [each for each in self._trusted if not each.issuer.issuer]
        if not candidates:
            raise TokenRefused("its issuer is not known")
        for each in candidates:
            if each.issuer.algorithm == algorithm:
                return each
        raise TokenRefused(f"it is not signed with {' or '.join(each.issuer.algorithm for each in candidates)}")


_SIGNATURE: Any = {
    "verify_signature": True,
    "verify_exp": False,  # times are checked in bridge.gateway.tokens.claims, by the time that is passed in
    "verify_nbf": False,
    "verify_iat": False,
    "verify_sub": False,
    "verify_jti": False,
}
