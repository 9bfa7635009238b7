"""Which error becomes which status, and what its body says."""

from __future__ import annotations

import pytest

from bridge.errors import (
    CampaignRefused,
    ChangeRefused,
    IdempotencyConflict,
    KeyMissing,
    LeasesLost,
    Problem,
    Unavailable,
)
from bridge.gateway.faults import fault_for, too_many, unauthorized


def test_statuses() -> None:
    refused = fault_for(ChangeRefused([Problem(3, "payload.x", "string", "is not allowed")]))
    assert refused.status == 422
    assert refused.as_json() == {
        "error": {
            "code": "refused",
            "message": "event 3: payload.x (string): is not allowed",
            "problems": [{"index": 3, "field": "payload.x", "type": "string", "rule": "is not allowed"}],
        }
    }
    assert (
        fault_for(CampaignRefused("1", "is closed", status=409, hint="open it")).message
        == "campaign 1 is closed; open it"
    )
    assert fault_for(IdempotencyConflict("k")).status == 409
    away = fault_for(Unavailable("the database", "database or disk is full", retry_after_s=2.5))
    assert (away.status, away.headers["Retry-After"]) == (503, "3")
    assert away.message == "the database is unavailable: database or disk is full; try again"
    assert fault_for(Unavailable("database", "x")).headers["Retry-After"] == "1"


def test_whoever_asks_a_daemon_that_others_went_on_for_may_ask_again() -> None:
    lost = fault_for(LeasesLost("others have taken over", hint="start it again"))
    assert (lost.status, lost.headers["Retry-After"]) == (503, "1")


def test_rates_and_keys() -> None:
    assert too_many(0.2).headers["Retry-After"] == "1"
    assert unauthorized("x").headers["WWW-Authenticate"].startswith("Bearer")


def test_what_is_no_answer_to_a_peer_goes_on_up() -> None:
    with pytest.raises(KeyMissing):
        fault_for(KeyMissing(b"k"))
