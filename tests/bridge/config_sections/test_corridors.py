"""Frames that fit their chunks, topics that the network takes, amounts that are some."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridge.config_sections import (
    Budgets,
    Publish,
    Topics,
)


def test_a_frame_must_fit_its_chunks() -> None:
    assert Publish(max_frame_bytes=1024).max_frame_bytes == 1024
    for size in (1023, 102_401):
        with pytest.raises(ValidationError, match="max_frame_bytes"):
            Publish(max_frame_bytes=size)


@pytest.mark.parametrize("seconds", [2_591_999, 8_000_002])
def test_the_renewal_period_is_the_networks(seconds: int) -> None:
    with pytest.raises(ValidationError):
        Topics(auto_renew_s=seconds)


@pytest.mark.parametrize("hbar", [-1.0, float("inf")])
def test_a_budget_is_an_amount_or_none(hbar: float) -> None:
    assert Budgets(campaign_hbar=0).day_hbar == 0
    with pytest.raises(ValidationError):
        Budgets(day_hbar=hbar)
