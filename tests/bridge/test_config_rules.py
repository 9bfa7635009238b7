"""Each rule takes what it should and says what it wants otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bridge import config_rules as rules
from bridge.config_sections import ApiKey
from topics.values import AccountId


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (rules.Address, "127.0.0.1:50211", ["host", ":1", "host:", "host:0", "host:65536", "host:x"]),
        (rules.Amount, 0.5, [0, -1, float("inf"), float("nan")]),
        (
            rules.BusUrl,
            "redis://user:p%40ss@10.0.0.5:6379/0",
            [
                "redis://h",
                "redis://h:6379/x",
                "redis://h:6379?db=1",
                "redis://h:0",
                "redis://h:1,i:2",
                "http://h:6379",
                "h:1",
            ],
        ),
        (
            rules.BusUrl,
            "rediss+sentinel://:p@[::1]:26379,b:26379/bus/1?sentinel_password=q",
            ["redis+sentinel://a:26379", "redis+sentinel://a,b/bus", "redis+sentinel://a:1/bus?timeout=1"],
        ),
        (rules.BusUrl, "", []),
        (rules.CookieName, "access_token", ["a b", "a=b", "a;", "x" * 65]),
        (rules.Count, 1, [0, -1, 1.5, "many"]),
        (rules.DatabaseUrl, "sqlite:////var/x.db", ["mysql://h/d", "sqlite://", "/var/x.db", "postgresql://h", ""]),
        (
            rules.DatabaseUrl,
            "postgresql://u:p@h:5432/d?sslmode=require",
            ["postgresql:///", "postgresql+psycopg://h/d"],
        ),
        (rules.EventName, "TEAM_JOINED", ["team", "9A", "", "A" * 65]),
        (rules.IpNetwork, "10.0.0.0/8", ["10.0.0.1/8", "10.0.0", "example.com"]),
        (
            rules.KeysUrl,
            "redis://127.0.0.1:6379/0?key=authKeyStore",
            [
                "redis://127.0.0.1:6379/0",
                "redis://:secret@h/0?key=k",
                "https://me@h/jwks.json",
                "file:///jwks.json",
                "h/x",
            ],
        ),
        (rules.Name, "back-end.1", ["", "a b", "x" * 65]),
        (
            rules.Origin,
            "https://app.example.com:8443",
            ["*", "app.example.com", "https://a/b", "https://*.a", "ws://a"],
        ),
        (rules.Port, 0, [-1, 65_536]),
        (rules.Seconds, 0.1, [0, float("inf")]),
    ],
)
def test_a_rule_takes_the_good_and_refuses_the_bad(rule: Any, good: object, bad: list[object]) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(rule)
    assert adapter.validate_python(good) == good
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_values_take_the_form_that_rooms_expect() -> None:
    assert TypeAdapter[object](rules.Account).validate_python("0.0.9") == AccountId(0, 0, 9)
    assert TypeAdapter[object](rules.WebUrl).validate_python("https://m.example/") == "https://m.example"
    assert TypeAdapter[object](rules.OptionalPath).validate_python("") is None
    with pytest.raises(ValidationError, match=r"not an id like 0\.0\.7"):
        TypeAdapter[object](rules.Account).validate_python("9")


def test_entries_of_a_list_have_different_names() -> None:
    entry = ApiKey.model_validate({"name": "a", "key_file": "k"})
    assert rules.distinct_names((entry,)) == (entry,)
    with pytest.raises(ValueError, match="given twice: a"):
        rules.distinct_names((entry, entry))
