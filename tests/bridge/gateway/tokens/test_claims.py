"""What a good token says: times, user, channels; anything odd is refused, and no refusal repeats any of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings

from bridge.gateway.settings import TokenSettings
from bridge.gateway.tokens.claims import (
    MAX_NAMED,
    Claims,
    TokenError,
    TokenExpired,
    TokenRefused,
    read_claims,
    read_subscription,
)
from tests.bridge.gateway.tokens.signers import NOW_S, ODD_CLAIMS, claims

SETTINGS = TokenSettings(())


def read(rules: TokenSettings = SETTINGS, **changes: Any) -> Claims:
    return read_claims(claims(**changes), rules, issuer="i", now_ms=NOW_S * 1000)


def refused(rules: TokenSettings = SETTINGS, **changes: Any) -> str:
    with pytest.raises(TokenRefused) as caught:
        read(rules, **changes)
    return caught.value.reason


def test_all_that_a_token_may_say() -> None:
    said = read(campaigns=["1", 2], role="ADMIN", jti="j", channels=["user:77"], subs={"campaign:5": {}, "user:77": {}})
    assert said == Claims(
        "77",
        frozenset({"1", "2", "5"}),
        frozenset({"ADMIN"}),
        (NOW_S + 110) * 1000,
        "i",
        "j",
        (NOW_S - 10) * 1000,
        ("user:77", "campaign:5"),
    )


def test_times() -> None:
    with pytest.raises(TokenExpired):
        read(exp=NOW_S - 5)
    assert read(exp=NOW_S - 4).user == "77"  # within the leeway
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
        assert word in refused(**changes)


def test_who_it_names() -> None:
    named: list[tuple[dict[str, Any], str]] = [
        ({"id": None, "userId": "5"}, "5"),
        ({"id": None, "sub": "6"}, "6"),
        ({"id": 12345678901234567890}, "12345678901234567890"),
        ({"sub": "77"}, "77"),
    ]
    for changes, user in named:
        assert read(**changes).user == user
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
        {"campaigns": ["1"] * (MAX_NAMED + 1)},
        {"role": False},
    ]
    for changes in mistakes:
        refused(**changes)


@pytest.mark.parametrize(
    "subs",
    ["campaign:1", [5], ["nonsense"], [["campaign:1"]], {"user:": {}}, ["user:78"], {"user:78": {}}, 7,
     ["campaign:1"] * (MAX_NAMED + 1)],
)  # fmt: skip
def test_channels_that_it_may_not_name(subs: object) -> None:
    assert "subs" in refused(subs=subs)


def test_the_names_of_claims_are_ours_to_choose() -> None:
    names = replace(
        SETTINGS,
        user_id_claims=("uid",),
        campaigns_claim="c",
        role_claim="r",
        subs_claims=("s",),
        required_claims=("jti",),
    )
    said = read(names, uid="5", c=["1"], r="X", s=["campaign:2"], jti="j", subs=["nonsense"])
    assert (said.user, set(said.campaigns), set(said.roles)) == ("5", {"1", "2"}, {"X"})
    assert said.subs == ("campaign:2",)
    assert refused(names, uid="5") == "it lacks the claim jti"
    assert "no user" in refused(names, jti="j")


def test_a_token_for_one_channel() -> None:
    def one(asked: str, **changes: Any) -> Claims:
        return read_subscription(claims(**changes), SETTINGS, issuer="i", channel=asked, now_ms=NOW_S * 1000)

    assert one("campaign:1", channel="campaign:1").expires_ms == (NOW_S + 110) * 1000
    assert one("user:77", channel="user:77").user == "77"
    for asked, named in (("campaign:2", "campaign:1"), ("campaign:1", None), ("campaign:1", ["campaign:1"])):
        with pytest.raises(TokenRefused, match="another channel"):
            one(asked, channel=named)
    with pytest.raises(TokenRefused, match="another user"):
        one("user:78", channel="user:78")
    with pytest.raises(TokenExpired):
        one("campaign:1", channel="campaign:1", exp=NOW_S - 60)


def test_neither_kind_of_token_passes_for_the_other() -> None:
    assert "one channel" in refused(channel="campaign:1")
    with pytest.raises(TokenRefused):
        read_subscription(claims(subs=["campaign:1"]), SETTINGS, issuer="i", channel="campaign:1", now_ms=NOW_S * 1000)


@settings(max_examples=50)
@given(ODD_CLAIMS)
def test_any_claims_are_read_or_refused(changes: dict[str, Any]) -> None:
    body = claims() | changes
    try:
        said = read_claims(body, SETTINGS, issuer="i", now_ms=NOW_S * 1000)
    except TokenError:
        return
    assert {str(body[name]) for name in SETTINGS.user_id_claims if body.get(name) is not None} == {said.user}
    assert said.expires_ms + SETTINGS.leeway_s * 1000 > NOW_S * 1000
    assert said.expires_ms - said.issued_ms <= SETTINGS.max_lifetime_s * 1000
    assert all(name == f"user:{said.user}" or name.startswith("campaign:") for name in said.subs)
