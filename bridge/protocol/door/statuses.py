"""Which status of a campaign may follow which; an unexpected step is counted, never dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CREATED = ""
"""What stands for the status before the first."""

_NEXT: Final[Mapping[str, frozenset[str]]] = {
    CREATED: frozenset({"ApprovalPending"}),
    "ApprovalPending": frozenset({"CampaignApproved", "CampaignDeclined"}),
    "CampaignApproved": frozenset({"CampaignRunning"}),
    "CampaignRunning": frozenset({"RewardDistributionInProgress"}),
    "RewardDistributionInProgress": frozenset({"RewardsDistributed"}),
}


def unexpected_transition(old: str | None, new: str) -> bool:
    """Whether `old` → `new` is not a step of the table. None: the old one is not known, only `new` is judged."""
    if new == "InternalError":
        return False
    if old is None:
        return not any(new in following for following in _NEXT.values())
    return new not in _NEXT.get(old, frozenset())
