"""Publications are the seed's messages with our meta, in three phases that share an id."""

from __future__ import annotations

import base64
import json
import uuid

from bridge.protocol.envelope import Place, confirmed, iso_time, provisional, rejected, sealed
from tests.bridge.protocol.samples import AT_MS, TOPIC, event

PLACE = Place(TOPIC, 17, 2, 1_761_840_000_000_000_001, bytes(48))


def test_a_confirmed_publication_is_the_published_shape() -> None:
    message = json.loads(confirmed(event(audience="77"), data_type="CAMPAIGN", campaign_id="1234", place=PLACE))
    assert message == {
        "event": "CAMPAIGN_STATUS_UPDATE",
        "data": {
            "type": "CAMPAIGN",
            "payload": {"campaignId": "1234", "oldStatus": "CampaignApproved", "newStatus": "CampaignRunning"},
            "timestamp": iso_time(AT_MS),
            "userId": "77",
        },
        "encrypted": False,
        "meta": {
            "id": str(uuid.UUID(bytes=event().id)),
            "phase": "confirmed",
            "campaignId": "1234",
            "topicId": "0.0.7001",
            "sequence": 17,
            "index": 2,
            "consensusTimestamp": "1761840000.000000001",
            "runningHash": base64.b64encode(bytes(48)).decode(),
        },
    }


def test_the_other_phases_have_no_place() -> None:
    early = json.loads(provisional(event(), data_type="CAMPAIGN", campaign_id="1234"))
    parked = json.loads(rejected(event(), data_type="CAMPAIGN", campaign_id="1234", reason="INVALID_TOPIC_ID"))
    event_id = str(uuid.UUID(bytes=event().id))
    assert early["meta"] == {"id": event_id, "phase": "provisional", "campaignId": "1234"}
    assert parked["meta"] == {
        "id": event_id,
        "phase": "rejected",
        "reason": "INVALID_TOPIC_ID",
        "campaignId": "1234",
    }
    assert early["event"] == parked["event"] == "CAMPAIGN_STATUS_UPDATE"
    assert "userId" not in early["data"]


def test_the_account_topic_is_no_campaign() -> None:
    for campaign_id in ("_account", None):
        message = json.loads(provisional(event(audience="77"), data_type="BALANCE", campaign_id=campaign_id))
        assert "campaignId" not in message["meta"]


def test_times_are_written_as_browsers_write_them() -> None:
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"
    assert iso_time(1_761_840_000_007) == "2025-10-30T16:00:00.007Z"
    assert iso_time(253_402_300_799_999) == "9999-12-31T23:59:59.999Z"


def test_a_sealed_frame_says_where_it_stands_and_nothing_else() -> None:
    place = Place(TOPIC, 17, 0, 1_761_840_000_000_000_001, bytes(48))
    message = json.loads(sealed(b"frame", campaign_id="1234", place=place, first=15))
    assert message == {
        "event": "SEALED_FRAME",
        "data": {
            "type": "CAMPAIGN",
            "payload": {"frame": base64.b64encode(b"frame").decode()},
            "timestamp": "2025-10-30T16:00:00.000Z",
        },
        "encrypted": True,
        "meta": {
            "phase": "confirmed",
            "campaignId": "1234",
            "topicId": "0.0.7001",
            "sequence": 17,
            "first": 15,
            "consensusTimestamp": "1761840000.000000001",
            "runningHash": base64.b64encode(bytes(48)).decode(),
        },
    }
