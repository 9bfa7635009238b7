"""What a token says, once its signature is known to be good: read strictly, under the configured names.

TokenError
├── TokenExpired    it was good until it expired
└── TokenRefused    it isn't good
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.gateway.settings import TokenSettings
from bridge.protocol.channels import Channel, is_id

MAX_NAMED = 10_000
"""Campaigns, roles or channels that one claim may list."""


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
    """What a good token says. `campaigns` are those that it opens beside the user's own, `subs` the channels that it
    subscribes to by itself, in order; `jti` is its own id, where it has one.
    """

    user: str
    campaigns: frozenset[str]
    roles: frozenset[str]
    expires_ms: int
    issuer: str
    jti: str | None = None
    issued_ms: int = 0
    subs: tuple[str, ...] = ()


def read_claims(body: Mapping[str, Any], settings: TokenSettings, *, issuer: str, now_ms: int) -> Claims:
    """A connection's token. Raises TokenExpired, TokenRefused."""
    if settings.channel_claim in body:
        raise TokenRefused("it is for one channel, not for a connection")
    issued_ms, expires_ms = _times(body, settings, now_ms=now_ms)
    user = _user(body, settings)
    subs = _channels(body, settings.subs_claims, user=user)
    opened = (channel.id for channel in subs if channel.kind == "campaign")
    jti = body.get("jti")
    return Claims(
        user=user,
        campaigns=_texts(body, settings.campaigns_claim).union(opened),
        roles=_texts(body, settings.role_claim),
        expires_ms=expires_ms,
        issuer=issuer,
        jti=jti if isinstance(jti, str) else None,
        issued_ms=issued_ms,
        subs=tuple(map(str, subs)),
    )


def read_subscription(
    body: Mapping[str, Any], settings: TokenSettings, *, issuer: str, channel: str, now_ms: int
) -> Claims:
    """A token for `channel` alone: whose it is, and until when. Raises TokenExpired, TokenRefused."""
    issued_ms, expires_ms = _times(body, settings, now_ms=now_ms)
    if body.get(settings.channel_claim) != channel:
        raise TokenRefused("it is for another channel")
    user, opened = _user(body, settings), _channel(channel, settings.channel_claim)
    if opened.kind == "user" and opened.id != user:
        raise TokenRefused("it names another user's channel")
    jti = body.get("jti")
    return Claims(
        user=user,
        campaigns=frozenset(),
        roles=frozenset(),
        expires_ms=expires_ms,
        issuer=issuer,
        jti=jti if isinstance(jti, str) else None,
        issued_ms=issued_ms,
    )


def _times(body: Mapping[str, Any], settings: TokenSettings, *, now_ms: int) -> tuple[int, int]:
    """When it was issued and when it ends; and, while we are at it, that nothing required is missing."""
    for name in settings.required_claims:
        if body.get(name) is None:
            raise TokenRefused(f"it lacks the claim {name}")
    leeway_ms = settings.leeway_s * 1000
    issued_ms, expires_ms = _time_ms(body, "iat"), _time_ms(body, "exp")
    if expires_ms - issued_ms > settings.max_lifetime_s * 1000:
        raise TokenRefused("it lives longer than it may")  # refresh tokens do, and pass every other check
    if "nbf" in body and _time_ms(body, "nbf") > now_ms + leeway_ms:
        raise TokenRefused("it is not valid yet")
    if issued_ms > now_ms + leeway_ms:
        raise TokenRefused("it was issued in the future")
    if expires_ms + leeway_ms <= now_ms:
        raise TokenExpired
    return issued_ms, expires_ms


def _time_ms(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e11:  # NaN is not
        raise TokenRefused(f"its {name} is not a time")
    return round(value * 1000)


def _user(body: Mapping[str, Any], settings: TokenSettings) -> str:
    users = {_text(body[name], name) for name in settings.user_id_claims if body.get(name) is not None}
    if len(users) > 1:
        raise TokenRefused("its claims name more than one user")
    if not users or not is_id(user := users.pop()):
        raise TokenRefused("it names no user")
    return user


def _channels(body: Mapping[str, Any], names: Iterable[str], *, user: str) -> list[Channel]:
    """The channels of all these claims, each once: lists of names, or objects with the names as keys."""
    found: dict[Channel, None] = {}
    for name in names:
        rows = body.get(name)
        if rows is None:
            continue
        if not isinstance(rows, list | dict) or len(rows) > MAX_NAMED:
            raise TokenRefused(f"its {name} is not a list of channels")
        for row in rows:
            channel = _channel(row, name)
            if channel.kind == "user" and channel.id != user:
                raise TokenRefused(f"its {name} names another user's channel")
            found[channel] = None
    return list(found)


def _channel(row: object, name: str) -> Channel:
    try:
        return Channel.parse(row if isinstance(row, str) else "")
    except ValueError as error:
        raise TokenRefused(f"its {name} names what is no channel") from error


def _text(value: object, name: str) -> str:
    """Ids are strings; a bare integer stands for its digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**64:
        return str(value)
    raise TokenRefused(f"its {name} is not an id")


def _texts(body: Mapping[str, Any], name: str) -> frozenset[str]:
    value = body.get(name)
    if value is None:
        return frozenset()
    rows = value if isinstance(value, list) else [value]
    if len(rows) > MAX_NAMED:
        raise TokenRefused(f"its {name} are too many")
    return frozenset(_text(row, name) for row in rows)
