"""The door: what backends send passes, everything else is refused with every problem named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import ChangeRefused
from bridge.protocol.door.catalogue import DeclaredEvent, catalogue_with
from bridge.protocol.door.changes import Limits, parse_time_ms, read_changes, validate_changes
from bridge.protocol.values import JSON, Change
from bridge.protocol.wire import cbor
from tests.recorded import recorded

CATALOGUE = catalogue_with([DeclaredEvent("LEVEL_UP", "NOTIFICATION", ("level", "badge.name"), "campaign")])
LIMITS = Limits()
CLOSED = {"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1234"}}


def read(*documents: Any, limits: Limits = LIMITS) -> list[Change]:
    body = json.dumps(documents[0] if len(documents) == 1 else documents)
    return read_changes(body.encode(), catalogue=CATALOGUE, limits=limits)


def refused(*documents: Any, limits: Limits = LIMITS) -> list[tuple[int, str, str]]:
    with pytest.raises(ChangeRefused) as caught:
        read(*documents, limits=limits)
    return [(problem.index, problem.field, problem.value_type) for problem in caught.value.problems]


def fields(document: Any) -> set[str]:
    return {field for _, field, _ in refused(document)}


def test_the_seeds_three_calls_pass_word_for_word() -> None:
    [published] = read(
        {
            "event": "CAMPAIGN_PUBLISHED_SUCCESS",
            "payload": {
                "campaignId": 1234,
                "campaignName": "Launch week",
                "status": "CampaignRunning",
                "tweetId": "1900017476130459569",
                "closeTime": "2026-11-02T07:03:08Z",
                "message": "published",
            },
            "to": "user:77",
        }
    )
    assert published == Change(
        "CAMPAIGN_PUBLISHED_SUCCESS",
        "CAMPAIGN",
        {
            "campaignId": "1234",
            "campaignTitle": "Launch week",
            "status": "CampaignRunning",
            "tweetId": "1900017476130459569",
            "estimatedCloseTime": "2026-11-02T07:03:08Z",
            "message": "published",
        },
        "1234",
        "77",
        None,
    )
    stamp = "2026-11-02T06:00:00.500Z"
    [balance] = read(
        {
            "event": "BALANCE_UPDATED",
            "payload": {"type": "HBAR", "newBalance": 86_100_000_000, "timestamp": stamp, "message": "hi"},
            "to": "user:77",
        }
    )
    payload: dict[str, Any] = {"balanceType": "HBAR", "newBalance": "86100000000", "message": "hi"}
    assert balance == Change("BALANCE_UPDATE", "BALANCE", payload, None, "77", 1_793_599_200_500)
    [status] = read(
        {
            "event": "CAMPAIGN_STATUS_UPDATED",
            "payload": {"campaignId": "1234", "newStatus": "CampaignRunning", "timestamp": stamp},
        }
    )
    payload = {"campaignId": "1234", "newStatus": "CampaignRunning"}
    assert status == Change("CAMPAIGN_STATUS_UPDATE", "CAMPAIGN", payload, "1234", None, 1_793_599_200_500)


def test_the_recorded_day_passes_unchanged() -> None:
    rows = [json.loads(line) for line in recorded("campaign-day.jsonl").read_text().splitlines()]
    for start in range(0, len(rows), 1000):
        batch = rows[start : start + 1000]
        changes = validate_changes(batch, catalogue=CATALOGUE, limits=LIMITS)
        for row, change in zip(batch, changes, strict=True):
            assert change.payload == row["payload"]
            assert change.campaign_id == row["campaignId"]
            assert change.user_id == (row["to"] and row["to"].removeprefix("user:"))
            assert change.time_ms == parse_time_ms(row["at"])


def test_a_payload_that_was_encoded_twice_passes() -> None:
    assert read({**CLOSED, "payload": json.dumps(CLOSED["payload"])}) == read(CLOSED)
    assert refused({**CLOSED, "payload": "{"}) == [(0, "payload", "string")]
    assert refused({**CLOSED, "payload": '"{}"'}) == [(0, "payload", "string")]
    assert refused({**CLOSED, "payload": '{"campaignId": NaN}'}) == [(0, "payload", "string")]


def test_the_campaign_comes_from_outside_or_inside() -> None:
    inside = read(CLOSED)
    assert read({"event": "CAMPAIGN_CLOSED", "payload": {}, "campaignId": 1234}) == inside
    assert read({**CLOSED, "campaignId": 1234}) == inside
    assert read({"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": None}, "campaignId": "1234"}) == inside
    assert refused({**CLOSED, "campaignId": "1235"}) == [(0, "payload.campaignId", "string")]
    assert refused({"event": "CAMPAIGN_CLOSED", "payload": {}}) == [(0, "campaignId", "null")]
    assert refused({"event": "CAMPAIGN_CLOSED", "payload": {}, "campaignId": "_account"}) == [
        (0, "campaignId", "string")
    ]
    assert refused({"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "a b"}}) == [
        (0, "payload.campaignId", "string")
    ]


def test_events_for_one_user_need_one_and_no_campaign() -> None:
    balance: dict[str, Any] = {"event": "BALANCE_UPDATE", "payload": {"balanceType": "HBAR", "newBalance": "1"}}
    assert refused(balance) == [(0, "to", "null")]
    assert read({**balance, "to": "user:77"})[0].campaign_id is None
    assert read({**balance, "to": "user:77", "campaignId": "1234"})[0].campaign_id == "1234"
    related = {**balance["payload"], "relatedCampaignId": 9}
    assert read({**balance, "to": "user:77", "campaignId": "1234", "payload": related})[0].campaign_id == "1234"
    inside = {**balance["payload"], "campaignId": "1234"}
    assert refused({**balance, "to": "user:77", "payload": inside}) == [(0, "payload.campaignId", "string")]


@pytest.mark.parametrize("to", ["77", "campaign:1", "user:", "user:_x", "user:a:b", 77, {"user": 77}, ["user:77"]])
def test_an_audience_is_one_user(to: Any) -> None:
    assert fields({**CLOSED, "to": to}) == {"to"}


def test_a_declared_event_carries_its_fields_only() -> None:
    [change] = read({"event": "LEVEL_UP", "payload": {"level": 3, "badge": {"name": "x"}}, "campaignId": "1"})
    assert change.payload == {"level": 3, "badge": {"name": "x"}, "campaignId": "1"}
    assert change.data_type == "NOTIFICATION"
    assert fields({"event": "LEVEL_UP", "payload": {"badge": {"hash": "x"}, "level": {"a": 1}}, "campaignId": "1"}) == {
        "payload.badge.hash",
        "payload.level",
    }


def test_every_problem_of_a_batch_is_named_at_once() -> None:
    bad: dict[str, Any] = {"event": "CAMPAIGN_STATUS_UPDATE", "payload": {"campaignId": "1", "progressPercentage": "9"}}
    assert refused(CLOSED, bad, {"event": "NOPE", "payload": {}}, 7, {**CLOSED, "extra": 1}) == [
        (1, "payload.newStatus", "null"),
        (1, "payload.progressPercentage", "string"),
        (2, "event", "string"),
        (3, "", "number"),
        (4, "extra", "number"),
    ]


def test_a_refusal_never_repeats_values() -> None:
    with pytest.raises(ChangeRefused) as caught:
        read({**CLOSED, "to": "canary-canary", "payload": {"campaignId": "canary canary", "hash": "canary"}})
    assert "canary" not in str(caught.value)


def test_problems_are_bounded() -> None:
    assert len(refused(*[{}] * 1000)) == 100


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"", 400), (b'{"event": NaN}', 400), (b"[]", 422), (b"null", 422), (b'"text"', 422), (b"{}", 422)],
)
def test_bodies_that_hold_no_event(body: bytes, status: int) -> None:
    with pytest.raises(ChangeRefused) as caught:
        read_changes(body, catalogue=CATALOGUE, limits=LIMITS)
    assert caught.value.status == status


def test_limits() -> None:
    with pytest.raises(ChangeRefused) as caught:
        read(*[CLOSED] * 3, limits=Limits(max_batch=2))
    assert caught.value.status == 413
    long = {**CLOSED, "payload": {"campaignId": "1234", "message": "m" * 100}}
    assert refused(long, limits=Limits(max_payload_bytes=100)) == [(0, "payload.message", "string")]
    assert read(long, limits=Limits(max_payload_bytes=108))
    assert refused({**CLOSED, "payload": {"campaignId": "1", "message": [[[[[[[[[]]]]]]]]]}})
    assert refused(CLOSED, CLOSED, limits=Limits(max_id_chars=3)) == [
        (0, "payload.campaignId", "string"),
        (1, "payload.campaignId", "string"),
    ]


def test_lone_surrogates_are_named() -> None:
    body = rb'{"event": "CAMPAIGN_CLOSED", "payload": {"campaignId": "1", "message": "\ud83d"}}'
    with pytest.raises(ChangeRefused, match=r"payload\.message \(string\): must not hold a lone surrogate"):
        read_changes(body, catalogue=CATALOGUE, limits=LIMITS)


PLAIN = (
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(st.sampled_from("abcdefgh"), PLAIN | TEXT | st.lists(PLAIN | TEXT)))
@example({"a": "\U0001f600" * 50})
@example({"a": [0.1] * 50})
def test_the_limit_of_size_is_exact_whatever_the_payload_holds(payload: dict[str, JSON]) -> None:
    catalogue = catalogue_with([DeclaredEvent("MINE", "NOTIFICATION", tuple("abcdefgh"), "user")])
    size = len(cbor.encode(payload))
    change = {"event": "MINE", "to": "user:7", "payload": payload}
    assert validate_changes(change, catalogue=catalogue, limits=Limits(max_payload_bytes=size))  # type: ignore[arg-type]
    if payload:
        with pytest.raises(ChangeRefused, match="bytes long"):
            validate_changes(change, catalogue=catalogue, limits=Limits(max_payload_bytes=size - 1))  # type: ignore[arg-type]
