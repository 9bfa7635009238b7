"""Where a daemon that listens is to be called."""

from __future__ import annotations

import pytest

from bridge.commands.addresses import gateway_url, http_url
from bridge.config import load


@pytest.mark.parametrize(
    ("listened", "called"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 # only named here
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("a.example", "a.example"),
    ],
)
def test_a_listening_address_becomes_one_that_can_be_called(listened: str, called: str) -> None:
    config = load(None, {"HCS_BRIDGE_HTTP__HOST": listened, "HCS_BRIDGE_GATEWAY__HOST": listened})
    assert http_url(config) == f"http://{called}:8780"
    assert gateway_url(config) == f"ws://{called}:8781/connection/websocket"
