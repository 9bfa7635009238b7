"""Settings turn into a session's limits in its units."""

from __future__ import annotations

from bridge.gateway.settings import GatewaySettings


def test_session_limits() -> None:
    limits = GatewaySettings(
        ping_interval_s=1.5, max_pending_bytes=1000, max_channels_per_connection=7
    ).session_limits()
    assert (limits.ping_interval_ms, limits.max_channels) == (1500, 7)
    assert limits.max_reply_bytes <= 500  # a reply never cuts the client that it is for
