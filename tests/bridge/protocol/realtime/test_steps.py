"""Everything a session can take has a place in its table, and everything it asks for has an outcome there."""

from __future__ import annotations

import dataclasses
import inspect

from bridge.protocol.realtime import steps
from bridge.protocol.realtime.session import TRANSITIONS

OUTCOMES = {"Authenticated", "Anonymous", "Expired", "Refused", "Allowed", "Denied", "Joined", "HistoryRead", "Present"}
IN = OUTCOMES | {"Failed", "Revoked", "Extended", "Message", "Disconnected", "Tick"}


def test_every_step_in_has_a_place_in_the_table() -> None:
    placed = {kind.__name__ for _, kind in TRANSITIONS}
    assert placed >= IN


def test_steps_are_values() -> None:
    for _, kind in inspect.getmembers(steps, inspect.isclass):
        assert not dataclasses.is_dataclass(kind) or kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        assert kind.__doc__
