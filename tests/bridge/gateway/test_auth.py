"""Tokens: what opens, what is refused and why, and that no refusal repeats any of the token."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from bridge.gateway.auth import Authenticator, Claims, TokenError, TokenExpired, TokenRefused, may_open
from bridge.gateway.settings import Issuer, TokenSettings
from bridge.protocol.channels import Channel

NOW_S = 1_800_000_000
SECRET = secrets.token_bytes(32)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1)

HMAC = Authenticator(TokenSettings((Issuer("development", "HS256", {"": SECRET}),)))
HASHBUZZ = Authenticator(
    TokenSettings((Issuer("hashbuzz", "RS256", {"k1": PUBLIC}, "hashbuzz.social", "hashbuzz-frontend"),))
)


def claims(**changes: Any) -> dict[str, Any]:
    rows = {"id": "77", "iat": NOW_S - 10, "exp": NOW_S + 110, **changes}
    return {name: value for name, value in rows.items() if value is not None}


def token(**changes: Any) -> str:
    return jwt.encode(claims(**changes), SECRET)


def check(text: str, authenticator: Authenticator = HMAC) -> Claims:
    return authenticator.check(text, now_ms=NOW_S * 1000)


def refused(text: str, authenticator: Authenticator = HMAC) -> str:
    with pytest.raises(TokenRefused) as caught:
        check(text, authenticator)
    assert all(part not in str(caught.value) for part in text.split(".") if len(part) > 3)
    return caught.value.reason


def test_a_good_token() -> None:
    assert check(token(campaigns=["1", 2], role="ADMIN", jti="j")) == Claims(
        "77", frozenset({"1", "2"}), frozenset({"ADMIN"}), (NOW_S + 110) * 1000, "development", "j"
    )


def test_the_first_users_token() -> None:
    body = claims(iss="hashbuzz.social", aud="hashbuzz-frontend", ts=1, accountId="0.0.5", signature="s", jti="j")
    good = jwt.encode(body, PRIVATE, "RS256", headers={"kid": "k1"})
    assert check(good, HASHBUZZ).user == "77"
    assert check(jwt.encode(body, PRIVATE, "RS256"), HASHBUZZ).user == "77"
    assert "key" in refused(jwt.encode(body, PRIVATE, "RS256", headers={"kid": "k2"}), HASHBUZZ)
    assert "audience" in refused(jwt.encode(body | {"aud": "other"}, PRIVATE, "RS256"), HASHBUZZ)
    assert "issuer" in refused(jwt.encode(body | {"iss": "other"}, PRIVATE, "RS256"), HASHBUZZ)


def test_a_kid_chooses_among_several_keys() -> None:
    other = secrets.token_bytes(32)
    both = Authenticator(TokenSettings((Issuer("two", "HS256", {"a": SECRET, "b": other}),)))
    assert check(jwt.encode(claims(), other, headers={"kid": "b"}), both).user == "77"
    assert "signature" in refused(jwt.encode(claims(), other, headers={"kid": "a"}), both)
    assert "key" in refused(jwt.encode(claims(), other), both)


def test_the_algorithm_is_ours_to_choose() -> None:
    nothing = jwt.encode(claims(), None, "none")  # type: ignore[arg-type]
    assert refused(nothing) == "it is not signed with HS256"
    assert refused(jwt.encode(claims(), secrets.token_bytes(48), "HS384")) == "it is not signed with HS256"
    # RS256's public key used as an HMAC secret: the classic confusion of algorithms.
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "kid": "k1"}, claims(iss="hashbuzz.social", aud="hashbuzz-frontend"))
    )
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), PUBLIC)
    forged = f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert refused(forged, HASHBUZZ) == "it is not signed with RS256"


def test_times() -> None:
    with pytest.raises(TokenExpired):
        check(token(exp=NOW_S - 5))
    assert check(token(exp=NOW_S - 4)).user == "77"  # within the leeway
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"exp": NOW_S + 7 * 86_400}, "longer"),
        ({"iat": NOW_S + 6}, "future"),
        ({"nbf": NOW_S + 6}, "yet"),
        ({"exp": None}, "exp"),
        ({"iat": None}, "iat"),
        ({"exp": "soon"}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": True}, "exp"),
    ]
    for changes, word in mistakes:
        assert word in refused(token(**changes))


def test_an_expired_forgery_is_refused_not_expired() -> None:
    assert "signature" in refused(jwt.encode(claims(exp=NOW_S - 100), secrets.token_bytes(32)))


def test_who_it_names() -> None:
    named: list[tuple[dict[str, Any], str]] = [
        ({"id": None, "userId": "5"}, "5"),
        ({"id": None, "sub": "6"}, "6"),
        ({"id": 12345678901234567890}, "12345678901234567890"),
        ({"sub": "77"}, "77"),
    ]
    for changes, user in named:
        assert check(token(**changes)).user == user
    mistakes: list[dict[str, Any]] = [
        {"sub": "78"},
        {"userId": 78},
        {"id": None},
        {"id": ""},
        {"id": "_account"},
        {"id": "a b"},
        {"id": 7.0},
        {"id": ["77"]},
        {"id": "7" * 65},
        {"campaigns": [{}]},
        {"campaigns": {"1": 2}},
        {"campaigns": ["1"] * 10_001},
        {"role": False},
    ]
    for changes in mistakes:
        refused(token(**changes))


def test_keys_that_cannot_be_used_are_found_at_start() -> None:
    with pytest.raises(ValueError, match="issuer short: a secret needs 32 bytes"):
        Authenticator(TokenSettings((Issuer("short", "HS256", {"": b"short"}),)))
    with pytest.raises(ValueError, match="issuer wrong: key is not one for RS256"):
        Authenticator(TokenSettings((Issuer("wrong", "RS256", {"": SECRET}),)))


def test_deep_tokens_are_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 40_000).rstrip(b"=").decode()
    assert "read" in refused(f"{deep}.{deep}.AAAA")
    head = token().split(".")[0]
    assert "read" in refused(f"{head}.{deep}.AAAA")


@given(st.text(max_size=200) | st.lists(st.text(max_size=30), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused_and_nothing_else(text: str) -> None:
    with pytest.raises(TokenError):
        check(text)


@given(st.integers(0, len(token()) - 1), st.sampled_from("Aa0_-."))
def test_a_changed_token_opens_nothing_new(at: int, letter: str) -> None:
    good = token()
    with contextlib.suppress(TokenError):
        assert check(good[:at] + letter + good[at + 1 :]) == check(good)  # unused bits of base64's last letter


@pytest.mark.parametrize(
    ("channel", "owner", "opens"),
    [
        ("user:77", None, True),
        ("user:78", "77", False),
        ("campaign:1", "77", True),
        ("campaign:1", "78", False),
        ("campaign:1", None, False),
        ("campaign:5", "78", True),
    ],
)
def test_what_it_opens(channel: str, owner: str | None, opens: bool) -> None:
    who = Claims("77", frozenset({"5"}), frozenset({"USER"}), 0, "i")
    assert may_open(who, Channel.parse(channel), owner, see_all=frozenset({"ADMIN"})) is opens
    admin = Claims("1", frozenset(), frozenset({"ADMIN"}), 0, "i")
    assert may_open(admin, Channel.parse(channel), owner, see_all=frozenset({"ADMIN"})) is channel.startswith(
        "campaign"
    )
