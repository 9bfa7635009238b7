"""Who a client is, by its token (JWT), and which channels are its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from bridge.gateway.settings import Issuer, TokenSettings
from bridge.protocol.channels import Channel, is_id

MIN_SECRET_BYTES = 32
MAX_CAMPAIGNS = 10_000


class TokenError(Exception):
    """A token that opens nothing. The text never repeats any of it."""


class TokenExpired(TokenError):
    """It was good until it expired."""

    def __init__(self) -> None:
        super().__init__("the token has expired")


class TokenRefused(TokenError):
    """It isn't good; `reason` says why."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the token was refused: {reason}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. `campaigns` are those that it names; `jti` its own id, where it has one."""

    user: str
    campaigns: frozenset[str]
    roles: frozenset[str]
    expires_ms: int
    issuer: str
    jti: str | None = None


def may_open(claims: Claims, channel: Channel, owner: str | None, *, see_all: frozenset[str]) -> bool:
    """A user's channel opens to that user only; a campaign's to its owner, who is named by the token, and `see_all`."""
    if channel.kind == "user":
        return claims.user == channel.id
    return claims.user == owner or channel.id in claims.campaigns or not see_all.isdisjoint(claims.roles)


class Authenticator:
    """Checks tokens against the configured issuers. Raises ValueError for keys that can't be used."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self.see_all = frozenset(settings.roles_see_all)
        self._keys: dict[tuple[str, str], Any] = {}
        for issuer in settings.issuers:
            algorithm = jwt.get_algorithm_by_name(issuer.algorithm)
            for kid, key in issuer.keys.items():
                if issuer.algorithm.startswith("HS") and len(key) < MIN_SECRET_BYTES:
                    raise ValueError(f"issuer {issuer.name}: a secret needs {MIN_SECRET_BYTES} bytes")
                try:
                    self._keys[issuer.name, kid] = algorithm.prepare_key(key)
                except (jwt.InvalidKeyError, ValueError, TypeError) as error:
                    raise ValueError(f"issuer {issuer.name}: key is not one for {issuer.algorithm}") from error

    def check(self, token: str, *, now_ms: int) -> Claims:
        """Raises TokenExpired, TokenRefused."""
        try:
            header = jwt.get_unverified_header(token)
            unverified = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:  # deep JSON ends in a RecursionError
            raise TokenRefused("it can't be read") from error
        issuer = self._issuer(unverified.get("iss"))
        if header.get("alg") != issuer.algorithm:
            raise TokenRefused(f"it is not signed with {issuer.algorithm}")
        try:
            claims = jwt.decode(
                token,
                self._key(issuer, header.get("kid")),
                algorithms=[issuer.algorithm],
                audience=issuer.audience or None,
                options=_SIGNATURE_AND_AUDIENCE if issuer.audience else _SIGNATURE,
            )
        except jwt.InvalidAudienceError as error:
            raise TokenRefused("it is for another audience") from error
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenRefused("its signature or form is wrong") from error
        expires_ms = self._check_times(claims, now_ms=now_ms)
        return self._read(claims, issuer, expires_ms)

    def _issuer(self, claimed: object) -> Issuer:
        """The configured issuer that the token names, or the one that takes any."""
        for wanted in (claimed, ""):
            for issuer in self._settings.issuers:
                if isinstance(wanted, str) and issuer.issuer == wanted:
                    return issuer
        raise TokenRefused("its issuer is not known")

    def _key(self, issuer: Issuer, kid: object) -> Any:
        kid = kid if isinstance(kid, str) else ""
        if len(issuer.keys) == 1 and (not kid or "" in issuer.keys):
            kid = next(iter(issuer.keys))
        if kid not in issuer.keys:
            raise TokenRefused("its key is not known")
        return self._keys[issuer.name, kid]

    def _check_times(self, claims: Mapping[str, Any], *, now_ms: int) -> int:
        leeway_ms = self._settings.leeway_s * 1000
        issued_ms, expires_ms = _time_ms(claims, "iat"), _time_ms(claims, "exp")
        if expires_ms - issued_ms > self._settings.max_lifetime_s * 1000:
            raise TokenRefused("it lives longer than it may")  # refresh tokens do, and pass every other check
        if "nbf" in claims and _time_ms(claims, "nbf") > now_ms + leeway_ms:
            raise TokenRefused("it is not valid yet")
        if issued_ms > now_ms + leeway_ms:
            raise TokenRefused("it was issued in the future")
        if expires_ms + leeway_ms <= now_ms:
            raise TokenExpired
        return expires_ms

    def _read(self, claims: Mapping[str, Any], issuer: Issuer, expires_ms: int) -> Claims:
        users = {_text(claims[name], name) for name in self._settings.user_id_claims if claims.get(name) is not None}
        if len(users) > 1:
            raise TokenRefused("its claims name more than one user")
        if not users or not is_id(user := users.pop()):
            raise TokenRefused("it names no user")
        jti = claims.get("jti")
        return Claims(
            user=user,
            campaigns=_texts(claims, self._settings.campaigns_claim),
            roles=_texts(claims, self._settings.role_claim),
            expires_ms=expires_ms,
            issuer=issuer.name,
            jti=jti if isinstance(jti, str) else None,
        )


_SIGNATURE: Any = {
    "verify_signature": True,
    "verify_aud": False,
    "verify_exp": False,  # times are checked here, by the time that is passed in
    "verify_nbf": False,
    "verify_iat": False,
    "verify_sub": False,
    "verify_jti": False,
}
_SIGNATURE_AND_AUDIENCE: Any = _SIGNATURE | {"verify_aud": True}


def _time_ms(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e11:
        raise TokenRefused(f"its {name} is not a time")
    return round(value * 1000)


def _text(value: object, name: str) -> str:
    """Ids are strings; a bare integer stands for its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64:
        return str(value)
    raise TokenRefused(f"its {name} is not an id")


def _texts(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    value = claims.get(name)
    if value is None:
        return frozenset()
    rows = value if isinstance(value, list) else [value]
    if len(rows) > MAX_CAMPAIGNS:
        raise TokenRefused(f"its {name} are too many")
    return frozenset(_text(row, name) for row in rows)
