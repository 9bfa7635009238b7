"""The console's operations are all of one scope, and only read."""

from __future__ import annotations

from bridge.gateway.console_operations import CONSOLE_ROUTES
from bridge.gateway.console_routes import SCOPE


def test_all_of_one_scope_and_reading_only() -> None:
    assert {(route.method, route.scope) for route in CONSOLE_ROUTES} == {("get", SCOPE)}
