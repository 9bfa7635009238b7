"""The limits leave room for a client that comes back with all its channels."""

from __future__ import annotations

from bridge.protocol.realtime.limits import SessionLimits


def test_burst_covers_connect_and_every_channel() -> None:
    limits = SessionLimits(max_commands_per_s=1.0, max_channels=100)
    assert limits.command_burst >= 1 + 100
