"""`hcs-bridge token`: mints a development JWT, signed with the first HMAC key of the configuration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import jwt

from bridge.config import Config
from bridge.config_sections import Issuer
from bridge.errors import ConfigInvalid, ConfigProblem
from bridge.key_files import read_secret


def mint(
    config: Config, user: str, *, campaigns: Sequence[str] = (), role: str | None = None, ttl_s: int, now_s: int
) -> str:
    """A token for `user` that opens `campaigns` beside the user's own, for `ttl_s` seconds from `now_s`.

    Raises ConfigInvalid without an issuer that has a shared secret, or for a life longer than tokens.max_lifetime_s.
    """
    tokens = config.tokens
    if ttl_s > tokens.max_lifetime_s:
        rule = f"allows no token of {ttl_s} s; shorten --ttl"
        raise ConfigInvalid([ConfigProblem("configuration", "tokens.max_lifetime_s", str(tokens.max_lifetime_s), rule)])
    index, issuer, key_file = _hmac_issuer(tokens.issuers)
    claims: dict[str, object] = {tokens.user_id_claims[0]: user, "iat": now_s, "exp": now_s + ttl_s}
    if issuer.issuer:
        claims["iss"] = issuer.issuer
    if issuer.audience:
        claims["aud"] = issuer.audience
    if campaigns:
        claims[tokens.campaigns_claim] = list(campaigns)
    if role is not None:
        claims[tokens.role_claim] = role
    secret = read_secret(key_file, key=f"tokens.issuers.{index}.key_file")
    return jwt.encode(claims, secret, algorithm=issuer.algorithm)


def _hmac_issuer(issuers: Sequence[Issuer]) -> tuple[int, Issuer, Path]:
    for index, issuer in enumerate(issuers):
        if issuer.algorithm.startswith("HS") and issuer.key_file is not None:
            return index, issuer, issuer.key_file
    names = ", ".join(issuer.name for issuer in issuers)
    rule = "none of them signs with HS256, 384 or 512; take a token from your own backend"
    raise ConfigInvalid([ConfigProblem("configuration", "tokens.issuers", names, rule)])
