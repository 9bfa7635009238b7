"""A sample day of campaigns: made up, the same for the same seed, in the order in which it would have happened."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Change = dict[str, Any]

OWNERS = ("201", "202", "203", "204")
FOLLOWERS = ("311", "312", "313", "314", "315")
TITLES = (
    "Harbour lights, a photo walk",
    "Beans from the northern slope",
    "Night bus, the new single",
    "A bench for every street",
    "Small boats regatta",
    "Learn to mend a bicycle",
    "Letters to a lighthouse",
    "The slow bread weekend",
    "Rooftop bees",
    "Open kitchen at the mill",
    "Maps of imaginary islands",
    "Rain garden volunteers",
)
FIRST_CAMPAIGN = 5001
HBAR = 100_000_000  # tinybar
FAILING = 4  # of ten campaigns this one can't be posted at first
DECLINED = 7  # and this one is declined


@dataclass(frozen=True, slots=True)
class SampleCampaign:
    """A campaign of the sample day, to be registered before its events come."""

    id: str
    owner_id: str
    title: str


def sample_campaigns(count: int) -> list[SampleCampaign]:
    """The day's campaigns, `count` of them."""
    return [
        SampleCampaign(str(FIRST_CAMPAIGN + n), OWNERS[n % len(OWNERS)], TITLES[n % len(TITLES)]) for n in range(count)
    ]


def sample_day(count: int, *, start: datetime, seed: int = 7) -> list[Change]:
    """All changes of `count` campaigns (some 26 each), as the HTTP door takes them, ordered by time from `start` on."""
    timed: list[tuple[datetime, int, Change]] = []
    for index, campaign in enumerate(sample_campaigns(count)):
        rng = random.Random(f"{seed}/{campaign.id}")  # noqa: S311 # a story, not a secret
        moment = start + timedelta(minutes=rng.uniform(0, 45) + 20 * index)
        for minutes, change in _story(index, campaign, rng):
            moment += timedelta(minutes=minutes)
            timed.append((moment, len(timed), {"at": _iso(moment), **change}))
    return [change for _, _, change in sorted(timed, key=lambda entry: entry[:2])]


def _story(index: int, campaign: SampleCampaign, rng: random.Random) -> Iterator[tuple[float, Change]]:
    """Minutes since the change before, and the change."""
    budget = rng.randrange(20, 400) * HBAR
    balance = budget + rng.randrange(50, 900) * HBAR
    yield 0, _status(campaign, "ApprovalPending", "")
    if index % 10 == DECLINED:
        yield 9, _status(campaign, "CampaignDeclined", "ApprovalPending", statusChangeReason="the text names a price")
        yield 0.1, _notice(campaign.owner_id, "WARNING", "Declined", f"“{campaign.title}” needs another text.")
        return
    yield 6, _status(campaign, "CampaignApproved", "ApprovalPending")
    yield 0.1, _balance(campaign.owner_id, balance, -budget, "CAMPAIGN_DEDUCTION", campaign)
    if index % 10 == FAILING:
        error = {"message": "the post was not taken; trying again", "atStage": "first post"}
        yield 1, _change("CAMPAIGN_PUBLISH_ERROR", campaign, error)
    yield 2, _status(campaign, "CampaignRunning", "CampaignApproved")
    yield 0.2, _published(campaign, budget, rng)
    yield from _engagement(campaign, rng)
    yield 4, _change("CAMPAIGN_CLOSED", campaign, {"message": "Thanks to all who took part."})
    yield from _rewards(campaign, budget, rng)


def _engagement(campaign: SampleCampaign, rng: random.Random) -> Iterator[tuple[float, Change]]:
    likes = retweets = comments = 0
    for step in range(1, 11):
        likes, retweets, comments = (
            likes + rng.randrange(2, 30),
            retweets + rng.randrange(9),
            comments + rng.randrange(6),
        )
        metrics = {
            "totalLikes": likes,
            "totalRetweets": retweets,
            "totalComments": comments,
            "uniqueParticipants": likes * 2 // 3 + 1,
        }
        yield (
            5,
            _change(
                "CAMPAIGN_ENGAGEMENT_UPDATE", campaign, {"engagementMetrics": metrics, "progressToTarget": step * 10}
            ),
        )


def _rewards(campaign: SampleCampaign, budget: int, rng: random.Random) -> Iterator[tuple[float, Change]]:
    winners = rng.sample(FOLLOWERS, 3)
    yield 1, _status(campaign, "RewardDistributionInProgress", "CampaignRunning")
    yield 0.1, _distribution(campaign, "STARTED", 0, len(winners))
    for done, winner in enumerate(winners, 1):
        reward = budget * (5 - done) // 10
        yield 0.3, _balance(winner, rng.randrange(1, 40) * HBAR, reward, "REWARD_RECEIVED", campaign)
        state = "COMPLETED" if done == len(winners) else "IN_PROGRESS"
        yield 0.1, _distribution(campaign, state, done, len(winners))
    yield 0.5, _status(campaign, "RewardsDistributed", "RewardDistributionInProgress")
    yield 0.1, _notice(campaign.owner_id, "SUCCESS", "All rewards are out", f"“{campaign.title}” is finished.")


def _change(event: str, campaign: SampleCampaign, payload: dict[str, Any]) -> Change:
    return {"event": event, "campaignId": campaign.id, "payload": {"campaignId": campaign.id, **payload}}


def _status(campaign: SampleCampaign, new: str, old: str, **more: str) -> Change:
    before = {"oldStatus": old} if old else {}
    return _change("CAMPAIGN_STATUS_UPDATE", campaign, {"newStatus": new, **before, **more})


def _published(campaign: SampleCampaign, budget: int, rng: random.Random) -> Change:
    tweet = str(rng.randrange(10**18, 2 * 10**18))
    payload = {
        "campaignTitle": campaign.title,
        "tweetId": tweet,
        "status": "CampaignRunning",
        "budgetAmount": str(budget),
    }
    return _change("CAMPAIGN_PUBLISHED_SUCCESS", campaign, payload)


def _distribution(campaign: SampleCampaign, state: str, done: int, total: int) -> Change:
    payload = {"distributionStatus": state, "processedCount": done, "totalCount": total}
    return _change("REWARD_DISTRIBUTION_UPDATE", campaign, payload)


def _balance(user: str, before: int, change: int, reason: str, campaign: SampleCampaign) -> Change:
    payload = {
        "balanceType": "HBAR",
        "oldBalance": str(before),
        "newBalance": str(before + change),
        "changeAmount": str(change),
        "changeReason": reason,
        "relatedCampaignId": campaign.id,
    }
    return {"event": "BALANCE_UPDATE", "campaignId": campaign.id, "to": f"user:{user}", "payload": payload}


def _notice(user: str, kind: str, title: str, message: str) -> Change:
    payload = {"notificationType": kind, "title": title, "message": message}
    return {"event": "SYSTEM_NOTIFICATION", "to": f"user:{user}", "payload": payload}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
