"""A full user row can't get through the door, however it is put, and times are read strictly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.errors import ChangeRefused
from bridge.protocol.door.catalogue import BUILT_IN, EVENT_ALIASES, DeclaredEvent, catalogue_with
from bridge.protocol.door.changes import Limits, parse_time_ms, read_changes
from bridge.protocol.values import JSON

# What a row of the first user's table of users holds, secrets included.
USER_ROW: dict[str, Any] = {
    "id": 77,
    "hash": "canary-hash",
    "salt": "canary-salt",
    "personal_twitter_access_token": "canary-token",
    "business_twitter_access_token_secret": "canary-secret",
    "hedera_wallet_id": "0.0.424242",
    "accountAddress": "0xcanary",
    "available_budget": 12.5,
    "refreshToken": "canary-session",
    "sessionId": "canary-session",
    "ip": "203.0.113.7",
    "personal_twitter_handle": "canary",
    "email": "canary@example.org",
    "is_active": True,
}
CATALOGUE = catalogue_with([DeclaredEvent("LEVEL_UP", "NOTIFICATION", ("level", "badge.name"), "campaign")])
VALID: dict[str, dict[str, Any]] = {
    "CAMPAIGN_STATUS_UPDATE": {"newStatus": "CampaignRunning"},
    "CAMPAIGN_PUBLISHED_SUCCESS": {},
    "CAMPAIGN_PUBLISH_ERROR": {"message": "m"},
    "CAMPAIGN_CLOSED": {},
    "BALANCE_UPDATE": {"balanceType": "HBAR", "newBalance": "1"},
    "CAMPAIGN_ENGAGEMENT_UPDATE": {
        "engagementMetrics": {"totalLikes": 1, "totalRetweets": 1, "totalComments": 1, "uniqueParticipants": 1}
    },
    "REWARD_DISTRIBUTION_UPDATE": {"distributionStatus": "STARTED", "processedCount": 0, "totalCount": 1},
    "SYSTEM_NOTIFICATION": {"notificationType": "INFO", "title": "t", "message": "m"},
    "LEVEL_UP": {"level": 1, "badge": {"name": "n"}},
}


def post(event: str, payload: Any, **outside: Any) -> dict[str, JSON]:
    document = {"event": event, "payload": payload, "campaignId": "1234", "to": "user:77", **outside}
    [change] = read_changes(json.dumps(document).encode(), catalogue=CATALOGUE, limits=Limits())
    return change.payload


def refused(event: str, payload: Any, **outside: Any) -> set[str]:
    with pytest.raises(ChangeRefused) as caught:
        post(event, payload, **outside)
    assert "canary" not in str(caught.value)
    return {problem.field for problem in caught.value.problems}


def test_every_event_is_tried() -> None:
    assert VALID.keys() == CATALOGUE.rules.keys()
    for event, payload in VALID.items():
        assert post(event, payload)


@pytest.mark.parametrize("event", [*VALID, *EVENT_ALIASES])
def test_a_user_row_spread_into_a_payload_is_refused_field_by_field(event: str) -> None:
    payload = VALID[EVENT_ALIASES[event][0] if event in EVENT_ALIASES else event]
    payload = {name: value for name, value in payload.items() if name != "balanceType" or event == "BALANCE_UPDATE"}
    found = refused(event, {**USER_ROW, **payload})
    assert {f"payload.{name}" for name in USER_ROW} <= found
    assert {f"payload.{name}" for name in USER_ROW} <= refused(event, json.dumps({**USER_ROW, **payload}))


@pytest.mark.parametrize("event", VALID)
def test_a_user_row_inside_any_allowed_field_is_refused(event: str) -> None:
    """As the value of each field, in an array, below each map, beside the payload, instead of the audience."""
    for name, field in CATALOGUE.rules[event].fields.items():
        for value in (USER_ROW, [USER_ROW], [[USER_ROW]]):
            assert any(f"payload.{name}" in found for found in refused(event, {**VALID[event], name: value}))
        for below in field.fields:
            nested = {**VALID[event][name], below: USER_ROW}
            assert refused(event, {**VALID[event], name: nested}) == {f"payload.{name}.{below}"}
        if field.fields:
            nested = {**VALID[event][name], **USER_ROW}
            assert {f"payload.{name}.{key}" for key in USER_ROW} == refused(event, {**VALID[event], name: nested})
    assert refused(event, VALID[event], user=USER_ROW) == {"user"}
    assert refused(event, VALID[event], to=USER_ROW) == {"to"}
    assert refused(event, VALID[event], at=USER_ROW) == {"at"}
    assert "campaignId" in refused(event, VALID[event], campaignId=USER_ROW)
    assert refused(event, {**VALID[event], "timestamp": USER_ROW}) == {"payload.timestamp"}


def test_the_built_in_events_have_no_field_that_a_secret_has() -> None:
    names = {name for rule in BUILT_IN.values() for name in (*rule.fields, *rule.aliases)}
    assert names & USER_ROW.keys() == set()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-02T06:00:27.854Z", 1_793_599_227_854),
        ("2026-11-02T07:00:27.854+01:00", 1_793_599_227_854),
        ("2026-11-02 04:30:27.8549999-01:30", 1_793_599_227_854),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
        (1_793_599_227_854, 1_793_599_227_854),
    ],
)
def test_times(value: JSON, expected: int) -> None:
    assert parse_time_ms(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "", "now", "2026-11-02", "2026-11-02T06:00:27", "2026-13-02T06:00:27Z", "2026-11-02T06:00:60Z",
        "2026-11-02T06:00:27+25:00", "1969-12-31T23:59:59Z", "20261102T060027Z", "٢٠٢٦-11-02T06:00:27Z",
        "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", -1, 253_402_300_800_000, 1.5, True, None, [], {},
    ],
)  # fmt: skip
def test_other_times_are_refused(value: JSON) -> None:
    assert parse_time_ms(value) is None


def test_at_comes_before_the_payloads_timestamp() -> None:
    document = {
        "event": "CAMPAIGN_CLOSED",
        "payload": {"campaignId": "1", "timestamp": 5},
        "at": "1970-01-01T00:00:01Z",
    }
    [change] = read_changes(json.dumps(document).encode(), catalogue=CATALOGUE, limits=Limits())
    assert change.time_ms == 1000
