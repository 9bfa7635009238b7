"""The events of the vectors: one of each built-in kind with all its fields, and some that don't fit the codes."""

from __future__ import annotations

import uuid
from typing import Final

from bridge.protocol.values import JSON, Event
from bridge.protocol.wire.events import uuid7
from tests.bridge.protocol.samples import AT_MS

PAYLOADS: Final[list[tuple[str, dict[str, JSON]]]] = [
    (
        "CAMPAIGN_STATUS_UPDATE",
        {
            "campaignId": "1234",
            "newStatus": "CampaignRunning",
            "oldStatus": "CampaignApproved",
            "statusChangeReason": "approved",
            "estimatedTimeToNext": 3600,
            "progressPercentage": 12.5,
        },
    ),
    (
        "CAMPAIGN_PUBLISHED_SUCCESS",
        {
            "campaignId": "1234",
            "campaignTitle": "¿Qué es HBAR?",
            "firstTweetUrl": "https://x.example/i/1900017476130459569",
            "secondTweetUrl": "https://x.example/i/1900017476130459646",
            "tweetId": "1900017476130459569",
            "status": "CampaignRunning",
            "estimatedCloseTime": "2026-11-02T07:03:08Z",
            "budgetAmount": "86100000000",
            "targetEngagement": 432,
            "message": "published",
        },
    ),
    ("CAMPAIGN_PUBLISH_ERROR", {"campaignId": "1234", "message": "second post failed", "atStage": "SECOND_TWEET"}),
    ("CAMPAIGN_CLOSED", {"campaignId": "1234", "closedAt": "2026-11-02T08:00:00Z", "message": "done"}),
    (
        "BALANCE_UPDATE",
        {
            "balanceType": "HBAR",
            "newBalance": "86100000000",
            "oldBalance": "172200000000",
            "tokenId": "0.0.424242",
            "tokenSymbol": "HASH",
            "message": "reserved",
            "changeAmount": "-86100000000",
            "changeReason": "CAMPAIGN_DEDUCTION",
            "relatedCampaignId": "1234",
            "transactionId": "0.0.2-1700000000-000000001",
        },
    ),
    (
        "CAMPAIGN_ENGAGEMENT_UPDATE",
        {
            "campaignId": "1234",
            "engagementMetrics": {
                "totalLikes": 24,
                "totalRetweets": 7,
                "totalComments": 6,
                "uniqueParticipants": 27,
                "engagementRate": 0.1,
            },
            "progressToTarget": 50,
            "estimatedReward": "2789000000",
        },
    ),
    (
        "REWARD_DISTRIBUTION_UPDATE",
        {
            "campaignId": "1234",
            "distributionStatus": "IN_PROGRESS",
            "processedCount": 25,
            "totalCount": 100,
            "userRewardAmount": "2789000000",
            "distributionProgress": 25,
            "estimatedCompletionTime": "2026-11-02T08:00:00Z",
        },
    ),
    (
        "SYSTEM_NOTIFICATION",
        {
            "notificationType": "WARNING",
            "title": "春のキャンペーン",
            "message": "budget is low",
            "actionRequired": True,
            "actionUrl": "https://x.example/top-up",
            "autoHide": False,
            "hideAfterMs": 5000,
        },
    ),
    # Decimals that no integer gives back, values without a code, types that the kind doesn't have, unknown fields.
    (
        "CAMPAIGN_STATUS_UPDATE",
        {
            "campaignId": "00012",
            "newStatus": "Paused",
            "oldStatus": "",
            "budgetAmount": "12.50",
            "tweetId": "9223372036854775808",
            "changeAmount": "-9223372036854775808",
            "newBalance": 5,
            "status": None,
            "engagementMetrics": "none",
            "somethingElse": [1, {"campaignId": "1"}],
        },
    ),
    ("LEVEL_UP", {"level": 3, "campaignId": "1234", "badge": {"name": "first"}}),
]


def event_of(number: int, *, audience: str | None = None) -> Event:
    """The event with this number; its id and time follow from the number."""
    name, data = PAYLOADS[number]
    return Event(uuid7(AT_MS + number, bytes([number]) * 10), name, AT_MS + number, audience, data)


def shown(event: Event) -> dict[str, JSON]:
    """An event as the vectors show it."""
    return {
        "id": str(uuid.UUID(bytes=event.id)),
        "type": event.type,
        "timeMs": event.time_ms,
        "audience": event.audience,
        "data": event.data,
    }
