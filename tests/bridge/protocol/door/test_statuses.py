"""The life of a campaign, and steps that nobody expects."""

from __future__ import annotations

import itertools

import pytest

from bridge.protocol.door.statuses import unexpected_transition
from bridge.protocol.wire.dictionary import STATUSES

EXPECTED = {
    ("", "ApprovalPending"),
    ("ApprovalPending", "CampaignApproved"),
    ("ApprovalPending", "CampaignDeclined"),
    ("CampaignApproved", "CampaignRunning"),
    ("CampaignRunning", "RewardDistributionInProgress"),
    ("RewardDistributionInProgress", "RewardsDistributed"),
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(["", *STATUSES, "Paused"], [*STATUSES, "Paused", ""])))
def test_only_the_steps_of_the_table_and_errors_are_expected(old: str, new: str) -> None:
    assert unexpected_transition(old, new) == ((old, new) not in EXPECTED and new != "InternalError")


@pytest.mark.parametrize("new", ["CampaignStarted", "Paused", ""])
def test_without_the_old_status_only_strange_new_ones_count(new: str) -> None:
    assert unexpected_transition(None, new)
    assert not unexpected_transition(None, "CampaignRunning")
    assert not unexpected_transition(None, "InternalError")
