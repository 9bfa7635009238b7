"""The keys of one issuer for one algorithm: out of its file, or from its URL, where they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from bridge.errors import Unavailable
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.gateway.tokens.keys import read_keys
from bridge.log import get_logger

log = get_logger(__name__)

Fetch: TypeAlias = Callable[[], Awaitable[bytes]]
"""Gets the text of a key set, JWKs or the first user's store. Raises Unavailable."""


class IssuerKeys:
    """Finds keys by their id. Each issuer, URL and algorithm has its own, so an id never finds another issuer's key.

    Keys that are fetched are fetched anew when they are `keys_refresh_s` old or one is asked for that isn't there, at
    most once in `keys_retry_s`; where that fails, those at hand serve until they are `keys_stale_s` old. `clock` tells
    seconds, and nobody sets it.
    """

    def __init__(
        self,
        issuer: Issuer,
        settings: TokenSettings,
        fetch: Fetch | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._settings = settings
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._failure: str | None = None
        self._fetched_s: float | None = None
        self._next_s: float | None = None
        self._fetching: asyncio.Task[None] | None = None
        for kid, text in issuer.keys.items():
            try:
                found = read_keys(text, issuer.algorithm)
            except ValueError as error:
                raise ValueError(f"issuer {issuer.name}: the key {error}") from error
            self._keys |= {read or kid: key for read, key in found.items()}

    async def find(self, kid: str) -> Any | None:
        """The key with this id; without an id ("") the only key there is. None: there is none.

        Raises Unavailable where a key may be at the URL, and the URL doesn't answer.
        """
        if self._fetch is not None:
            await self._renew(kid, self._fetch)
            if self._failure is not None and self._lacks(kid):
                raise Unavailable(f"the key set of issuer {self._issuer.name}", self._failure)
        return self._at_hand(kid)

    def _at_hand(self, kid: str) -> Any | None:
        if len(self._keys) == 1 and (not kid or "" in self._keys):
            kid = next(iter(self._keys))
        return self._keys.get(kid)

    def _lacks(self, kid: str) -> bool:
        return self._at_hand(kid) is None or self._older_than(self._settings.keys_stale_s)

    def _older_than(self, seconds: float) -> bool:
        return self._fetched_s is None or self._clock() - self._fetched_s > seconds

    async def _renew(self, kid: str, fetch: Fetch) -> None:
        """Fetch where it is due; only who can't do with what is at hand waits for it."""
        due = self._lacks(kid) or self._older_than(self._settings.keys_refresh_s)
        if due and self._fetching is None and (self._next_s is None or self._clock() >= self._next_s):
            self._next_s = self._clock() + self._settings.keys_retry_s
            self._fetching = asyncio.create_task(self._update(fetch), name=f"keys of {self._issuer.name}")
        if self._fetching is not None and self._lacks(kid):
            await asyncio.shield(self._fetching)

    async def _update(self, fetch: Fetch) -> None:
        began_s = self._clock()
        try:
            self._keys = read_keys(await fetch(), self._issuer.algorithm)
        except (Unavailable, ValueError) as error:
            self._failure = error.reason if isinstance(error, Unavailable) else f"it {error}"
            log.warning("keys not renewed", issuer=self._issuer.name, reason=self._failure)
        else:
            self._fetched_s, self._failure = began_s, None
        finally:
            self._fetching = None
