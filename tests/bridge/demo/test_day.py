"""The sample day: deterministic, in order, and acceptable at the door."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.demo.day import FOLLOWERS, OWNERS, sample_campaigns, sample_day

START = datetime(2026, 11, 2, 6, tzinfo=UTC)


def test_the_same_seed_gives_the_same_day() -> None:
    assert sample_day(10, start=START) == sample_day(10, start=START)
    assert sample_day(10, start=START) != sample_day(10, start=START, seed=8)


def test_a_day_has_some_250_events_in_the_order_of_time() -> None:
    day = sample_day(10, start=START)
    assert 200 < len(day) < 300
    times = [change["at"] for change in day]
    assert times == sorted(times)


def test_every_event_belongs_to_a_campaign_or_a_user_of_the_day() -> None:
    campaigns = {campaign.id for campaign in sample_campaigns(10)}
    users = {f"user:{user}" for user in (*OWNERS, *FOLLOWERS)}
    for change in sample_day(10, start=START):
        assert change.get("campaignId", next(iter(campaigns))) in campaigns
        assert change.get("to", next(iter(users))) in users
        assert "campaignId" in change or "to" in change
        assert all(isinstance(value, str | int | dict) for value in change["payload"].values())


def test_each_campaign_ends_well_or_is_declined() -> None:
    last = {
        change["campaignId"]: change["payload"]["newStatus"]
        for change in sample_day(10, start=START)
        if change["event"] == "CAMPAIGN_STATUS_UPDATE"
    }
    assert sorted(last.values()) == ["CampaignDeclined"] + ["RewardsDistributed"] * 9
