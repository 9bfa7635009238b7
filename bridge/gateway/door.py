"""Who may do what at the HTTP door: API keys, their scopes and their rates."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence

from bridge.gateway.faults import Fault, too_many, unauthorized
from bridge.gateway.settings import ApiKey
from bridge.log import Seldom, get_logger
from bridge.protocol.realtime.rate import TokenBucket

log = get_logger(__name__)

_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")


class Door:
    """Knows the keys by their hashes, and how much of its rate each has left."""

    def __init__(self, api_keys: Sequence[ApiKey], *, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._refusals = Seldom()
        self._keys: list[tuple[bytes, ApiKey, TokenBucket]] = []
        self.reconfigure(api_keys)

    def reconfigure(self, api_keys: Sequence[ApiKey]) -> None:
        """Know these keys and no others; one that stays as it was goes on with what is left of its rate."""
        left = {key: bucket for _, key, bucket in self._keys}
        self._keys = [
            (_digest(key.secret), key, left.get(key) or TokenBucket(key.rate_per_s, key.burst, now_ms=self._now_ms()))
            for key in api_keys
        ]

    def admit(self, authorization: Sequence[str], scope: str) -> ApiKey:
        """The key that the Authorization headers name, if it has the scope. Raises Fault 401, 403, 429."""
        try:
            return self._admitted(authorization, scope)
        except Fault as refusal:
            if times := self._refusals.due(refusal.message):
                log.warning("API key refused", reason=refusal.message, times=times)
            raise

    def _admitted(self, authorization: Sequence[str], scope: str) -> ApiKey:
        if len(authorization) != 1:
            raise unauthorized("one header is needed: Authorization: Bearer <API key>")
        scheme, _, secret = authorization[0].partition(" ")
        if scheme.lower() != "bearer":
            raise unauthorized("the scheme must be Bearer")
        presented = _digest(secret.strip())
        # Every key is compared, each in constant time: how long it takes says nothing about any of them.
        found = [entry for entry in self._keys if hmac.compare_digest(entry[0], presented)]
        if not found:
            raise unauthorized("this API key is not known")
        _, api_key, bucket = found[0]
        if (wait_s := bucket.take(self._now_ms())) > 0:
            raise too_many(wait_s)
        if scope not in api_key.scopes:
            raise Fault(403, "forbidden", f"this API key lacks the scope {scope}")
        return api_key


def idempotency_of(headers: Sequence[str], body: bytes) -> tuple[str, bytes] | None:
    """The sender's key and the body's hash, if there is such a header. Raises Fault 400."""
    if not headers:
        return None
    if len(headers) > 1 or _VISIBLE.fullmatch(headers[0]) is None:
        raise Fault(400, "bad_idempotency_key", "Idempotency-Key must be 1 to 200 visible ASCII characters")
    return headers[0], hashlib.sha256(body).digest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
