"""Which campaigns take events, and how a new one begins."""

from __future__ import annotations

import pytest

from bridge.protocol.channels import ACCOUNT
from bridge.publish.welcome import ENDED, UNREGISTERED, Welcome


def test_a_new_campaign_is_welcome_where_topics_are_made_on_demand() -> None:
    assert Welcome(True).refusal("1", {}) is None
    assert Welcome(False).refusal("1", {}) is UNREGISTERED
    assert Welcome(False).refusal("1", {"1": None}) is None
    assert Welcome(False).refusal(ACCOUNT, {}) is None


@pytest.mark.parametrize("ending", ["closing", "closed"])
def test_what_has_ended_takes_nothing(ending: str) -> None:
    assert Welcome(True).refusal("1", {"1": ending}) is ENDED[ending]


def test_the_mode_asked_for_goes_before_the_configured_one() -> None:
    assert [Welcome(True, sealed=True).seals("1", asked) for asked in (None, True, False)] == [True, True, False]
    assert [Welcome(True).seals("1", asked) for asked in (None, True, False)] == [False, True, False]
    assert not Welcome(True, sealed=True).seals(ACCOUNT)
