"""A row says what a request to the HTTP door would."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from bridge.intake.rows import Row, offer_of
from bridge.protocol.door.catalogue import catalogue_with
from bridge.protocol.door.changes import Limits, validate_changes
from bridge.protocol.values import Change

ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
ROW = Row(7, ID, "2024-05-01T12:00:00.123Z", "CAMPAIGN_CLOSED", "1", "77", None, '{"message": "over"}', 19)


def change_of(**columns: Any) -> Change:
    [change] = validate_changes(offer_of(ROW._replace(**columns)).change, catalogue=catalogue_with(), limits=Limits())
    return change


def test_the_door_understands_a_row() -> None:
    assert change_of() == Change(
        "CAMPAIGN_CLOSED", "CAMPAIGN", {"campaignId": "1", "message": "over"}, "1", None, 1_714_564_800_123
    )
    assert (offer_of(ROW).event_id, offer_of(ROW).owner, offer_of(ROW).fault) == (ID.bytes, "77", None)


def test_a_row_for_one_user_with_a_campaign_or_without() -> None:
    assert change_of(to_user="88").user_id == "88"
    payload = '{"newBalance": "12", "oldBalance": "10", "balanceType": "TOKEN"}'
    change = change_of(event="BALANCE_UPDATE", campaign=None, owner=None, to_user="88", payload=payload)
    assert (change.campaign_id, change.user_id) == (None, "88")


@pytest.mark.parametrize(
    ("columns", "field", "says"),
    [
        ({"event_id": UUID("4a9723e0-c81e-4619-b7f4-c5af5c1d70b3")}, "event_id", "UUIDv7"),
        ({"event_id": UUID(int=0)}, "event_id", "UUIDv7"),
        ({"payload": None, "payload_chars": 70_000}, "payload", "70000 characters"),
    ],
)
def test_what_no_door_could_take_is_a_fault(columns: dict[str, Any], field: str, says: str) -> None:
    fault = offer_of(ROW._replace(**columns)).fault
    assert fault is not None
    assert fault.field == field
    assert says in fault.rule
