"""Development tokens: what they claim, and when none is made."""

from __future__ import annotations

import json
from pathlib import Path

import jwt
import pytest

from bridge.commands.token import mint
from bridge.config import Config, load
from bridge.errors import ConfigInvalid
from bridge.key_files import read_secret

NOW_S = 1_700_000_000


def claims(config: Config, token: str) -> dict[str, object]:
    key_file = config.tokens.issuers[0].key_file
    assert key_file is not None
    secret = read_secret(key_file, key="x")
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    found: dict[str, object] = jwt.decode(token, secret, algorithms=["HS256"], options=options)  # type: ignore[arg-type]
    return found


def test_it_claims_the_user_and_what_it_opens(config: Config) -> None:
    token = mint(config, "77", campaigns=["1", "2"], role="admin", ttl_s=60, now_s=NOW_S)
    expected = {"id": "77", "campaigns": ["1", "2"], "role": "admin", "iat": NOW_S, "exp": NOW_S + 60}
    assert claims(config, token) == expected


def test_it_claims_no_more_than_asked(config: Config) -> None:
    assert set(claims(config, mint(config, "77", ttl_s=60, now_s=NOW_S))) == {"id", "iat", "exp"}


def test_the_issuers_own_claims_are_set(config: Config, tmp_path: Path) -> None:
    hmac = {"algorithm": "HS256", "issuer": "me", "audience": "you", "key_file": str(tmp_path / "token.key")}
    issuers = json.dumps([{"name": "rs", "algorithm": "RS256", "key_file": "x"}, {"name": "hs", **hmac}])
    second = load(None, {"HCS_BRIDGE_TOKENS__ISSUERS": issuers})
    found = claims(config, mint(second, "77", ttl_s=60, now_s=NOW_S))
    assert (found["iss"], found["aud"]) == ("me", "you")


def test_a_token_that_the_gateway_would_refuse_is_not_made(config: Config) -> None:
    with pytest.raises(ConfigInvalid, match=r"tokens\.max_lifetime_s"):
        mint(config, "77", ttl_s=config.tokens.max_lifetime_s + 1, now_s=NOW_S)


def test_without_an_hmac_key_none_is_made() -> None:
    config = load(None, {"HCS_BRIDGE_TOKENS__ISSUERS": '[{"name":"rs","algorithm":"RS256","key_file":"x"}]'})
    with pytest.raises(ConfigInvalid, match="HS256"):
        mint(config, "77", ttl_s=60, now_s=NOW_S)
