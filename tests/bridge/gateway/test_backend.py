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
        "relay": "plain",
    }
    parked = EventView("e", "parked", "campaign:1", "2026-01-01T00:00:00.000Z", reason="too large").as_json()
    assert parked["reason"] == "too large"
    assert "topicId" not in parked


def test_budget_and_cost_are_told_where_there_is_something_to_tell() -> None:
    assert CampaignView("1", "77", "ready", stopped="budget of …").as_json()["stopped"] == "budget of …"
    cost = {"tinybar": "1416", "usd": "0.00017", "usdPerHbar": "0.12"}
    assert EventView("e", "confirmed", "campaign:1", "2026-01-01T00:00:00.000Z", cost=cost).as_json()["cost"] == cost
