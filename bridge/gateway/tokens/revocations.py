"""Which tokens no longer count although they haven't expired: all of a user's up to a moment, or one by its `jti`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, NamedTuple, TypeAlias

from bridge.errors import Unavailable
from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import Claims

RevokedKind: TypeAlias = Literal["user", "jti"]


class Revocation(NamedTuple):
    """A user's tokens issued up to `at_ms`, or the one token `name`; at `until_ms` all of them have expired anyway."""

    kind: RevokedKind
    name: str
    at_ms: int
    until_ms: int


async def _nowhere(_: Revocation) -> None:
    """They last as long as this process."""


class Revocations:
    """`rows` are those of earlier runs; `keep` puts one on disk before it counts, and may raise Unavailable."""

    def __init__(
        self,
        settings: TokenSettings,
        rows: Iterable[Revocation] = (),
        *,
        keep: Callable[[Revocation], Awaitable[None]] = _nowhere,
    ) -> None:
        self._keep = keep
        self._rows = {(row.kind, row.name): row for row in rows}
        self.reconfigure(settings)

    def reconfigure(self, settings: TokenSettings) -> None:
        """How long one counts from now on, and how many there may be."""
        self._lasts_ms = (settings.max_lifetime_s + settings.leeway_s) * 1000
        self._max_rows = settings.max_revocations

    async def revoke(self, kind: RevokedKind, name: str, *, now_ms: int) -> None:
        """From here on these tokens are refused. Raises Unavailable, also where as many are revoked as may be."""
        self._rows = {key: row for key, row in self._rows.items() if row.until_ms > now_ms}
        if len(self._rows) >= self._max_rows and (kind, name) not in self._rows:
            raise Unavailable("the list of revoked tokens", "it is full (tokens.max_revocations)")
        row = Revocation(kind, name, now_ms, now_ms + self._lasts_ms)
        await self._keep(row)
        self._rows[kind, name] = row

    def learn(self, rows: Iterable[Revocation]) -> list[Revocation]:
        """These are on disk already, by another process; those that are new here come back."""
        new = [row for row in rows if self._rows.get((row.kind, row.name)) != row]
        self._rows |= {(row.kind, row.name): row for row in new}
        return new

    def cover(self, claims: Claims) -> bool:
        """Whether the token with these claims was revoked. Its time of issue has whole seconds: in doubt it was."""
        of_user = self._rows.get(("user", claims.user))
        if of_user is not None and claims.issued_ms <= of_user.at_ms:
            return True
        return claims.jti is not None and ("jti", claims.jti) in self._rows
