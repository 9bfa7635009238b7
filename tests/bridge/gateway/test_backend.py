"""What the HTTP door shows of campaigns and events."""

from __future__ import annotations

from bridge.gateway.backend import CampaignView, EventView


def test_views_as_json() -> None:
    assert CampaignView("1", "77", "creating").as_json() == {
        "id": "1",
        "ownerId": "77",
        "status": "creating",
        "topicId": None,
        "sequence": None,
    }
    parked = EventView("e", "parked", "campaign:1", "2026-01-01T00:00:00.000Z", reason="too large").as_json()
    assert parked["reason"] == "too large"
    assert "topicId" not in parked
