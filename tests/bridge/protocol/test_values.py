"""The values compare by content and can't be changed in flight."""

from __future__ import annotations

import dataclasses

import pytest

from bridge.protocol.values import Change
from tests.bridge.protocol.samples import SIGNED, UNSIGNED, event


def test_values_are_equal_by_content_and_frozen() -> None:
    assert event(1) == event(1) != event(2)
    assert dataclasses.replace(SIGNED, signed=False) == UNSIGNED
    change = Change("CAMPAIGN_CLOSED", "CAMPAIGN", {}, "1", None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        change.event = "OTHER"  # type: ignore[misc]
