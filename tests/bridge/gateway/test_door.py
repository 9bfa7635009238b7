"""API keys, scopes, rates, and idempotency keys."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from bridge.gateway.door import Door, idempotency_of
from bridge.gateway.faults import Fault
from bridge.gateway.settings import ApiKey

SECRET, OTHER = secrets.token_hex(32), secrets.token_hex(32)


class Clock:
    """A clock that a test sets."""

    now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def door(clock: Clock) -> Door:
    return Door(
        [
            ApiKey("writer", SECRET, frozenset({"events:write"}), rate_per_s=1, burst=2),
            ApiKey("other", OTHER, frozenset()),
        ],
        now_ms=clock,
    )


def refused(made: Door, headers: Sequence[str], scope: str = "events:write") -> Fault:
    with pytest.raises(Fault) as caught:
        made.admit(headers, scope)
    return caught.value


def test_keys_and_scopes() -> None:
    made = door(Clock())
    assert made.admit([f"Bearer {SECRET}"], "events:write").name == "writer"
    assert made.admit([f"bearer  {SECRET} "], "events:write").name == "writer"
    assert refused(made, [f"Bearer {OTHER}"]).status == 403
    for headers in ([], ["Basic x"], ["Bearer"], ["Bearer wrong"], ["Bearer \udcff"], [f"Bearer {SECRET}"] * 2):
        fault = refused(made, headers)
        assert fault.status == 401
        assert SECRET not in fault.message


def test_rates_are_per_key() -> None:
    clock = Clock()
    made = door(clock)
    for _ in range(2):
        made.admit([f"Bearer {SECRET}"], "events:write")
    fault = refused(made, [f"Bearer {SECRET}"])
    assert (fault.status, fault.headers["Retry-After"]) == (429, "1")
    assert refused(made, [f"Bearer {OTHER}"]).status == 403
    clock.now_ms = 1000
    assert made.admit([f"Bearer {SECRET}"], "events:write")


def test_idempotency_keys() -> None:
    assert idempotency_of([], b"x") is None
    found = idempotency_of(["k" * 200], b"x")
    assert found is not None
    assert (found[0], len(found[1])) == ("k" * 200, 32)
    assert found != idempotency_of(["k" * 200], b"y")
    for headers in ([""], ["k" * 201], ["a b"], ["é"], ["a", "b"]):
        with pytest.raises(Fault) as caught:
            idempotency_of(headers, b"x")
        assert caught.value.status == 400


def test_other_keys_while_it_runs_and_what_is_left_of_a_rate_is_kept() -> None:
    made = door(Clock())
    keys = [ApiKey("writer", SECRET, frozenset({"events:write"}), rate_per_s=1, burst=2)]
    made.admit([f"Bearer {SECRET}"], "events:write")
    made.reconfigure(keys)
    assert refused(made, [f"Bearer {OTHER}"]).status == 401
    made.admit([f"Bearer {SECRET}"], "events:write")
    assert refused(made, [f"Bearer {SECRET}"]).status == 429
    made.reconfigure([replace(keys[0], burst=3)])
    assert made.admit([f"Bearer {SECRET}"], "events:write").burst == 3


def test_refusals_are_logged_by_reason_and_not_each_and_without_the_key() -> None:
    made, guess = door(Clock()), secrets.token_hex(32)
    with capture_logs() as logs:
        for _ in range(100):
            refused(made, [f"Bearer {guess}"])
            refused(made, [f"Bearer {OTHER}"])
    assert [(log["event"], log["reason"], log["times"]) for log in logs] == [
        ("API key refused", "this API key is not known", 1),
        ("API key refused", "this API key lacks the scope events:write", 1),
    ]
    assert not any(secret in str(logs) for secret in (guess, OTHER))
